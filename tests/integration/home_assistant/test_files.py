"""The files of the integration, as hassfest checks them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import custom_components.misfire as package
import pytest
from awesomeversion import AwesomeVersion
from homeassistant.helpers.selector import validate_selector
from homeassistant.util.yaml import load_yaml

FOLDER = Path(package.__file__).parent
#: The keys that hassfest allows in the manifest of a custom integration, of those used here.
ALLOWED = {
    "after_dependencies", "codeowners", "config_flow", "dependencies", "documentation", "domain",
    "integration_type", "iot_class", "loggers", "name", "requirements", "single_config_entry",
    "version",
}  # fmt: skip
#: What hassfest refuses in a text: HTML, an address with a domain, a placeholder in quotes.
REFUSED = re.compile(
    r"<\w[^>]*>|(?:[a-z]+://|www\.)[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,5}|'{\w+}'"
)
#: A key of a text: no capitals, and no separator first, last or twice.
KEY = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
ENGLISH: dict[str, Any] = json.loads((FOLDER / "translations" / "en.json").read_text())


def test_the_manifest_has_known_keys_and_valid_values() -> None:
    manifest = json.loads((FOLDER / "manifest.json").read_text())

    assert set(manifest) == ALLOWED
    assert AwesomeVersion(manifest["version"]).valid
    assert manifest["documentation"].startswith("https://")


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


@pytest.mark.parametrize("language", ["en", "de"])
def test_texts_have_keys_and_contents_that_hassfest_allows(language: str) -> None:
    texts = _texts(json.loads((FOLDER / "translations" / f"{language}.json").read_text()))

    for path, text in texts.items():
        assert all(map(KEY.fullmatch, path)), path
        assert not REFUSED.search(text), path
        assert text.strip() == text, path


def test_a_description_belongs_to_a_field_of_its_form() -> None:
    steps = [*ENGLISH["config"]["step"].values(), *ENGLISH["options"]["step"].values()]

    for step in steps:
        assert set(step.get("data_description", {})) <= set(step["data"])


def test_every_rule_of_the_quality_scale_has_a_status_and_an_exemption_its_reason() -> None:
    scale = load_yaml(str(FOLDER / "quality_scale.yaml"))

    assert isinstance(scale, dict)
    for name, rule in scale["rules"].items():
        status = rule if isinstance(rule, str) else rule["status"]
        assert status in {"done", "todo", "exempt"}, name
        assert status != "exempt" or rule["comment"], name


def _texts(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    """Return every text by its keys from the outermost in."""
    if isinstance(value, dict):
        children = (_texts(child, (*path, name)) for name, child in value.items())
        return {key: text for found in children for key, text in found.items()}
    return {path: value}


def _placeholders(value: Any) -> dict[tuple[str, ...], set[str]]:
    return {path: set(re.findall(r"{(\w+)}", text)) for path, text in _texts(value).items()}
