"""Home Assistant's own sentences: hassil recognises them, home-assistant-intents has them.

A home's own names are not known, so the names are the nouns of ``devices.py``.
"""

from __future__ import annotations

from typing import Any

from streams.errors import UsageError
from streams.files.understanding.devices import DEVICES, ROOMS
from streams.files.understanding.intent_domains import domain_of_intent
from streams.files.understanding.understood import Understood

__all__ = ["Sentences"]

#: Names and areas are lists; an entity that swallows any words must be one of these.
_FREE_TEXT = ("item", "message", "search_query")


class Sentences:
    """Home Assistant's sentences in one language.

    Args:
        language: a language of home-assistant-intents, such as ``en`` or ``pt-BR``.

    Raises:
        UsageError: there are no sentences in the language.
    """

    def __init__(self, language: str) -> None:
        # Imported here, because loading takes half a second.
        from hassil import Intents, TextSlotList  # noqa: PLC0415
        from home_assistant_intents import get_intents, get_languages  # noqa: PLC0415

        known = sorted(get_languages())
        if language not in known:
            raise UsageError(
                f"there are no sentences for the language {language!r}; choose from "
                f"{', '.join(known)}"
            )
        self._language = language
        self._intents = Intents.from_dict(get_intents(language) or {})
        self._lists: dict[str, Any] = {
            "name": TextSlotList.from_tuples(
                (
                    (noun, noun, {"domain": domain})
                    for domain, nouns in DEVICES.items()
                    for noun in nouns
                ),
                allow_template=False,
                name="name",
            ),
            "area": TextSlotList.from_strings(ROOMS, allow_template=False, name="area"),
            "floor": TextSlotList.from_strings(
                ("upstairs", "downstairs"), allow_template=False, name="floor"
            ),
        }

    def understood(self, text: str) -> Understood | None:
        """Return the intent of a sentence, or ``None`` if it is not one of Home Assistant's."""
        from hassil import recognize_best  # noqa: PLC0415

        found = recognize_best(
            text,
            self._intents,
            slot_lists=self._lists,
            # Where the assistant stands, which sentences without an area need.
            intent_context={"area": "here"},
            language=self._language,
        )
        return None if found is None else _named(found)


def _named(found: Any) -> Understood | None:
    """Return the intent with its domain, or ``None`` if it is too vague to have one."""
    # The shopping list is one of the lists.
    name: str = found.intent.name.replace("HassShoppingList", "HassList")
    if any(each.is_wildcard and key not in _FREE_TEXT for key, each in found.entities.items()):
        return None
    slots = {
        key: str(each.value)
        for key, each in found.entities.items()
        if key != "domain" and each.text and str(each.value) != "here"
    }
    entity = found.entities.get("domain")
    domain = entity.value if entity else found.context.get("domain") or domain_of_intent(name)
    if domain is None or (name == "HassGetState" and "name" not in slots):
        return None
    return Understood(f"{domain}.{name}", slots)
