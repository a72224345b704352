"""The files of the integration, as hassfest checks them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import custom_components.misfire as package
from awesomeversion import AwesomeVersion
from homeassistant.helpers.selector import validate_selector
from homeassistant.util.yaml import load_yaml

FOLDER = Path(package.__file__).parent
#: The keys that hassfest allows in the manifest of a custom integration, of those used here.
ALLOWED = {
    "after_dependencies", "codeowners", "config_flow", "dependencies", "documentation", "domain",
    "integration_type", "iot_class", "issue_tracker", "loggers", "name", "requirements",
    "single_config_entry", "version",
}  # fmt: skip
ENGLISH: dict[str, Any] = json.loads((FOLDER / "translations" / "en.json").read_text())


def test_the_manifest_has_known_keys_and_valid_values() -> None:
    manifest = json.loads((FOLDER / "manifest.json").read_text())

    assert set(manifest) == ALLOWED
    assert AwesomeVersion(manifest["version"]).valid
    assert all(manifest[name].startswith("https://") for name in ("documentation", "issue_tracker"))


def test_every_action_has_selectors_texts_and_an_icon() -> None:
    services = load_yaml(str(FOLDER / "services.yaml"))
    icons = json.loads((FOLDER / "icons.json").read_text())

    assert isinstance(services, dict)
    assert set(services) == set(ENGLISH["services"]) == set(icons["services"])
    for name, service in services.items():
        texts = ENGLISH["services"][name]
        assert texts["name"]
        assert texts["description"]
        assert set(service["fields"]) == set(texts["fields"])
        for field in service["fields"].values():
            validate_selector(field["selector"])


def test_every_entity_has_an_icon_and_a_name() -> None:
    icons = json.loads((FOLDER / "icons.json").read_text())["entity"]

    names = {domain: set(found) for domain, found in ENGLISH["entity"].items()}
    assert {domain: set(found) for domain, found in icons.items()} == names


def test_texts_have_the_same_placeholders_in_every_language() -> None:
    german = json.loads((FOLDER / "translations" / "de.json").read_text())

    assert _placeholders(german) == _placeholders(ENGLISH)


def test_every_rule_of_the_quality_scale_has_a_status_and_an_exemption_its_reason() -> None:
    scale = load_yaml(str(FOLDER / "quality_scale.yaml"))

    assert isinstance(scale, dict)
    for name, rule in scale["rules"].items():
        status = rule if isinstance(rule, str) else rule["status"]
        assert status in {"done", "todo", "exempt"}, name
        assert status != "exempt" or rule["comment"], name


def _placeholders(value: Any, path: str = "") -> dict[str, set[str]]:
    if isinstance(value, dict):
        return {
            key: each
            for name, child in value.items()
            for key, each in _placeholders(child, f"{path}.{name}").items()
        }
    return {path: set(re.findall(r"{(\w+)}", value))}
