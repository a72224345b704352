from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from streams.errors import DependencyUnavailable, UsageError
from streams.settings import Settings, load


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ignore a ``misfire.toml`` in the directory that the tests start in."""
    monkeypatch.chdir(tmp_path)


def _file(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def test_every_setting_has_a_default_and_a_description() -> None:
    loaded = load(environment={})
    assert set(loaded.sources) == set(Settings.model_fields)
    assert set(loaded.sources.values()) == {"default"}
    assert all(field.description for field in Settings.model_fields.values())


def test_the_command_line_overrides_the_environment_and_the_environment_the_file(
    tmp_path: Path,
) -> None:
    file = _file(tmp_path / "some.toml", 'group = "file"\npartitions = 2\nreplication = 3\n')
    loaded = load(
        file, {"MISFIRE_GROUP": "variable", "MISFIRE_PARTITIONS": "3"}, group="given", broker=None
    )
    assert (loaded.settings.group, loaded.settings.partitions, loaded.settings.replication) == (
        "given",
        3,
        3,
    )
    assert loaded.sources["group"] == "command line"
    assert loaded.sources["partitions"] == "MISFIRE_PARTITIONS"
    assert loaded.sources["replication"] == str(file)
    assert loaded.sources["broker"] == "default"


def test_the_settings_file_of_the_folder_is_read_unless_another_is_named(tmp_path: Path) -> None:
    _file(tmp_path / "misfire.toml", "partitions = 2")
    other = _file(tmp_path / "other.toml", "partitions = 5")
    assert load(environment={}).settings.partitions == 2
    assert load(environment={"MISFIRE_CONFIG": str(other)}).settings.partitions == 5
    assert load(tmp_path / "misfire.toml", {"MISFIRE_CONFIG": str(other)}).settings.partitions == 2


def test_every_problem_is_reported_at_once_with_its_source(tmp_path: Path) -> None:
    file = _file(tmp_path / "some.toml", 'broker = "nowhere"\npartition = 4\nworker_port = 99999\n')
    with pytest.raises(UsageError) as refused:
        load(file, {"MISFIRE_PARTITIONS": "many"})
    text = str(refused.value)
    assert f"broker ({file})" in text
    assert f"worker_port ({file})" in text
    assert "partition " in text
    assert "not a setting" in text
    assert "partitions (MISFIRE_PARTITIONS)" in text


@pytest.mark.parametrize(
    "broker", ["localhost:9092", "10.0.0.1:9092,10.0.0.2:9093", "kafka-1.example.org:9092"]
)
def test_brokers_must_be_hosts_with_ports(broker: str) -> None:
    assert load(environment={}, broker=broker).settings.broker == broker


@pytest.mark.parametrize(
    "broker", ["", "localhost", "localhost:", ":9092", "a:1,", "a:1 b:2", "http://a:1"]
)
def test_an_invalid_broker_is_rejected(broker: str) -> None:
    with pytest.raises(UsageError, match="broker"):
        load(environment={}, broker=broker)


def test_a_named_settings_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(DependencyUnavailable, match="nowhere"):
        load(tmp_path / "nowhere.toml", {})
    with pytest.raises(DependencyUnavailable, match="nowhere"):
        load(environment={"MISFIRE_CONFIG": "nowhere.toml"})


@pytest.mark.parametrize("data", [b"partitions = ", b"\x80\xfe"])
def test_a_settings_file_that_is_not_toml_is_rejected(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "some.toml").write_bytes(data)
    with pytest.raises(UsageError, match=r"not TOML|not text in UTF-8"):
        load(tmp_path / "some.toml", {})


def test_variables_of_other_tools_are_not_settings() -> None:
    assert load(environment={"MISFIRE_DATA": "x", "MISFIRE_CACHE": "y"}).settings == Settings()


@pytest.mark.parametrize("listed", ["runtime.home.arpa", "acme=ftp://a/", "http://u@a/"])
def test_addresses_of_callbacks_are_checked_at_the_start(listed: str) -> None:
    with pytest.raises(UsageError, match="callback_urls"):
        load(environment={"MISFIRE_CALLBACK_URLS": listed})


def test_an_invalid_allowed_host_is_rejected() -> None:
    with pytest.raises(UsageError, match="allowed_hosts"):
        load(environment={"MISFIRE_ALLOWED_HOSTS": "http://hook.example"})


def test_a_replaced_setting_names_its_replacement(tmp_path: Path) -> None:
    file = _file(tmp_path / "some.toml", 'callback_hosts = "runtime.home.arpa"')
    for given in (
        {"file": file, "environment": {}},
        {"environment": {"MISFIRE_CALLBACK_HOSTS": "runtime"}},
    ):
        with pytest.raises(UsageError, match="replaced by callback_urls"):
            load(**given)


OPTIONAL = sorted(
    name for name, field in Settings.model_fields.items() if field.default in (None, "")
)


@pytest.mark.parametrize("empty", ["", " ", "\t"])
@pytest.mark.parametrize("name", OPTIONAL)
def test_an_empty_optional_setting_is_unset_in_every_source(
    tmp_path: Path, name: str, empty: str
) -> None:
    """``MISFIRE_ACCESS_FILE=`` in a Compose file was once read as the current directory."""
    file = _file(tmp_path / "some.toml", f'{name} = "{empty}"'.replace("\t", "\\t"))
    for loaded in (
        load(file, {}),
        load(environment={f"MISFIRE_{name.upper()}": empty}),
        load(None, {}, **{name: empty}),
    ):
        assert getattr(loaded.settings, name) == Settings.model_fields[name].default
        assert loaded.sources[name] == "default"


def test_an_empty_setting_does_not_override_a_lower_source(tmp_path: Path) -> None:
    file = _file(tmp_path / "some.toml", 'access_file = "tokens.json"')
    loaded = load(file, {"MISFIRE_ACCESS_FILE": ""}, access_file="")
    assert loaded.settings.access_file == Path("tokens.json")
    assert loaded.sources["access_file"] == str(file)
    assert load(environment={"MISFIRE_CONFIG": " "}).settings == Settings()


@pytest.mark.parametrize("name", ["operator_token_file", "broker", "partitions", "kafka_security"])
def test_a_required_setting_cannot_be_empty(name: str) -> None:
    with pytest.raises(UsageError, match=name):
        load(environment={f"MISFIRE_{name.upper()}": ""})


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_settings_file_with_a_byte_order_mark_is_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "misfire.toml"
    path.write_bytes('group = "näher"\n'.encode(encoding))
    assert load(path, {}).settings.group == "näher"


def test_a_compressed_settings_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "misfire.toml"
    path.write_bytes(gzip.compress(b'group = "x"'))
    with pytest.raises(UsageError, match="is gzip, not text; unpack it with 'gunzip'"):
        load(path, {})


def test_a_settings_file_is_read_from_a_pipe() -> None:
    out, into = os.pipe()
    with os.fdopen(into, "wb") as file:
        file.write(b'group = "piped"')
    try:
        assert load(Path(f"/dev/fd/{out}"), {}).settings.group == "piped"
    finally:
        os.close(out)


def test_every_problem_of_all_sources_is_reported_at_once(tmp_path: Path) -> None:
    file = _file(
        tmp_path / "some.toml",
        'grop = "x"\npartitions = "many"\nreplication = true\nbroker = ""\nnested = { a = 1 }',
    )
    with pytest.raises(UsageError) as refused:
        load(file, {"MISFIRE_WORKER_PORT": "99999"})
    for name in ("grop", "partitions", "replication", "broker", "nested", "worker_port"):
        assert f"  - {name} (" in str(refused.value)
