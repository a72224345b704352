from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import jsonschema_rs
import pytest

from streams.files.policy import read_policy
from streams.operations.schema_compatibility import broken_api, broken_channels, broken_value
from streams.operations.schemas import KINDS, documents
from streams.wire.records import DECISION, INTENT
from tests.detector.builders import event, hand_bundle, run

TODAY = documents(read_policy())

Change = Callable[[dict[str, Any]], object]

FIELDS: dict[str, Any] = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string", "maxLength": 8},
        "act": {"enum": ["ask", "tell"], "type": "string"},
        "share": {"anyOf": [{"type": "number"}, {"type": "null"}], "default": None},
        "list": {"type": "array", "items": {"$ref": "#/$defs/part"}},
    },
    "$defs": {"part": {"type": "object", "properties": {"size": {"type": "integer"}}}},
}


def broken(change: Change, *, read: bool) -> list[str]:
    after = copy.deepcopy(FIELDS)
    change(after)
    return list(broken_value(FIELDS, after, read=read, where="value"))


#: A change, and the sentence about it for a value that misfire reads and for one that it writes.
CHANGES: dict[str, tuple[Change, str | None, str | None]] = {
    "nothing": (lambda _: None, None, None),
    "a field more": (lambda s: s["properties"].update(new={"type": "string"}), None, None),
    "a field less": (
        lambda s: s["properties"].pop("act"),
        "value.act was removed",
        "value.act was removed",
    ),
    "a field less inside": (
        lambda s: s["$defs"]["part"]["properties"].clear(),
        "value.list[].size was removed",
        "value.list[].size was removed",
    ),
    "a field that has to be there": (
        lambda s: s["required"].append("act"),
        "value.act is now required",
        None,
    ),
    "a field that may be missing": (
        lambda s: s["required"].clear(),
        None,
        "value.id is no longer always present",
    ),
    "another type": (
        lambda s: s["properties"]["id"].update(type="integer"),
        "value.id: the type was string and is integer",
        "value.id: the type was string and is integer",
    ),
    "a wider type": (
        lambda s: s["$defs"]["part"]["properties"]["size"].update(type="number"),
        None,
        "value.list[].size: the type was integer and is number",
    ),
    "a choice more": (
        lambda s: s["properties"]["act"]["enum"].append("sing"),
        None,
        "value.act: misfire now also writes sing",
    ),
    "a choice less": (
        lambda s: s["properties"]["act"]["enum"].remove("ask"),
        "value.act: misfire no longer reads ask",
        None,
    ),
    "a lower limit": (
        lambda s: s["properties"]["id"].update(maxLength=4),
        "value.id: maxLength was 8 and is 4",
        "value.id: maxLength was 8 and is 4",
    ),
    "no limit": (
        lambda s: s["properties"]["id"].pop("maxLength"),
        None,
        "value.id: maxLength was 8 and is not set",
    ),
    "null no more": (
        lambda s: s["properties"]["share"]["anyOf"].pop(),
        "value.share: null is no longer accepted",
        None,
    ),
    "text as well": (
        lambda s: s["properties"]["share"]["anyOf"].append({"type": "string"}),
        None,
        "value.share: string is a new choice",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_breaking_changes_of_records_are_found_for_readers_and_writers(what: str) -> None:
    change, read, written = CHANGES[what]
    assert broken(change, read=True) == ([read] if read else [])
    assert broken(change, read=False) == ([written] if written else [])


API: list[tuple[Change, str]] = [
    (lambda s: s["paths"].pop("/v1/outcomes"), "POST /v1/outcomes was removed"),
    (
        lambda s: s["paths"]["/v1/decide"]["post"]["parameters"].clear(),
        "no longer reads X-Misfire-Deadline",
    ),
    (
        lambda s: s["paths"]["/v1/decide"]["post"]["parameters"].append(
            {"name": "X-Key", "in": "header", "required": True, "schema": {}}
        ),
        "POST /v1/decide now requires X-Key",
    ),
    (
        lambda s: schema_of(s["paths"]["/v1/decide"]["post"]["requestBody"])["required"].append(
            "runtime"
        ),
        "POST /v1/decide.runtime is now required",
    ),
    (
        lambda s: schema_of(s["paths"]["/v1/decide"]["post"]["responses"]["200"])["properties"].pop(
            "verdict"
        ),
        "POST /v1/decide 200.verdict was removed",
    ),
    (
        lambda s: s["paths"]["/v1/decide"]["post"]["responses"]["422"]["content"].clear(),
        "POST /v1/decide 422 no longer has application/problem+json",
    ),
]


def schema_of(part: dict[str, Any]) -> Any:
    return part["content"]["application/json"]["schema"]


@pytest.mark.parametrize(("change", "said"), API)
def test_breaking_changes_of_the_api_are_found(change: Change, said: str) -> None:
    after = copy.deepcopy(TODAY["openapi.json"])
    change(after)
    found = list(broken_api(TODAY["openapi.json"], after))
    assert any(said in sentence for sentence in found), found
    assert not list(broken_api(after, after))


CHANNELS: list[tuple[Change, str]] = [
    (lambda s: s["channels"].pop("assistant.replies"), "channel assistant.replies was removed"),
    (
        lambda s: s["channels"]["assistant.replies"]["messages"].pop("Decision"),
        "no longer has Decision",
    ),
    (
        lambda s: s["components"]["messages"]["Decision"]["headers"]["properties"].pop("ce_type"),
        "message Decision no longer has the header ce_type",
    ),
]


@pytest.mark.parametrize(("change", "said"), CHANNELS)
def test_breaking_changes_of_the_channels_are_found(change: Change, said: str) -> None:
    after = copy.deepcopy(TODAY["asyncapi.json"])
    change(after)
    assert [
        sentence for sentence in broken_channels(TODAY["asyncapi.json"], after) if said in sentence
    ]


def test_values_match_their_schemas() -> None:
    for file, document in TODAY.items():
        if file.endswith(".schema.json"):
            jsonschema_rs.meta.validate(document)
    values = {
        "IntentEvent": INTENT.encode(event(1)),
        "Decision": DECISION.encode(run([event(1)], hand_bundle())[0][0]),
    }
    for name, value in values.items():
        jsonschema_rs.validator_for(TODAY[f"{name}.schema.json"]).validate(
            KINDS[name].adapter.dump_python(KINDS[name].decode(value), mode="json")
        )
