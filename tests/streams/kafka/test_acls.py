from __future__ import annotations

import shlex

import pytest

from streams.kafka.acls import RIGHTS, Part, acl_commands
from streams.kafka.topics import TOPICS


def commands(part: Part, **given: object) -> list[list[str]]:
    options = {"brokers": "kafka:9093", "group": "misfire-worker"} | given
    return [shlex.split(line) for line in acl_commands(part, "User:CN=some one", **options)]  # type: ignore[arg-type]


@pytest.mark.parametrize("part", Part)
def test_each_row_is_one_command(part: Part) -> None:
    made, rows = commands(part), [right for right in RIGHTS if right.part is part]

    assert len(made) == len(rows) > 0
    for words, right in zip(made, rows, strict=True):
        assert words[:6] == [
            "kafka-acls.sh",
            "--bootstrap-server",
            "kafka:9093",
            "--add",
            "--allow-principal",
            "User:CN=some one",
        ]
        assert _values(words, "--operation") == list(right.operations)
        assert _values(words, "--topic") == list(right.topics)
        assert _values(words, "--group") == ([] if right.topics else ["misfire-worker"])


def test_the_same_commands_revoke_the_rights() -> None:
    given = commands(Part.WORKER, command_config="/etc/my admin.properties")
    taken = commands(Part.WORKER, command_config="/etc/my admin.properties", remove=True)

    assert all(words[3:5] == ["--command-config", "/etc/my admin.properties"] for words in given)
    assert [[word for word in words if word not in ("--remove", "--force")] for words in taken] == [
        [word for word in words if word != "--add"] for words in given
    ]
    assert all("--force" in words for words in taken)  # without it the tool asks for confirmation


def test_only_existing_topics_are_granted_and_no_part_deletes() -> None:
    names = {topic.name for topic in TOPICS}

    for right in RIGHTS:
        assert set(right.topics) <= names
        allowed = {"Read", "Write", "Create", "Describe", "DescribeConfigs"}
        if right.part is Part.GROWER:
            allowed |= {"Alter"}  # it adds partitions
        assert set(right.operations) <= allowed


def _values(words: list[str], option: str) -> list[str]:
    return [words[at + 1] for at, word in enumerate(words) if word == option]
