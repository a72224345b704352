"""Whether what follows a contract of the last release also follows today's: fields are only ever added.

What misfire reads may get wider, what it writes may get narrower, and never the other way round.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["broken_api", "broken_channels", "broken_value"]

Schema = Mapping[str, Any]

_METHODS = ("get", "put", "post", "delete", "patch")
_LIMITS = (
    "pattern",
    "format",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "const",
)


def broken_value(before: Schema, after: Schema, *, read: bool, where: str = "") -> Iterator[str]:
    """Yield what is broken between two JSON Schemas of a value, a sentence each.

    Args:
        before: the last release's.
        after: today's.
        read: whether misfire reads such values; otherwise it writes them.
        where: the path of the value, for the sentences.
    """
    yield from _broken(_Place(before, before, after, after, read=read), where)


def broken_api(before: Schema, after: Schema) -> Iterator[str]:
    """Yield what is broken between two OpenAPI documents."""
    for path, methods in before["paths"].items():
        for method in (name for name in _METHODS if name in methods):
            where, now = f"{method.upper()} {path}", after["paths"].get(path, {}).get(method)
            if now is None:
                yield f"{where} is gone"
                continue
            asked = _Place(before, methods[method], after, now, read=True)
            yield from _broken_parameters(asked, where)
            body, body_now = (each.get("requestBody", {}) for each in (methods[method], now))
            yield from _broken_contents(asked.inside(body, body_now), where)
            for status, answer in methods[method]["responses"].items():
                told = _Place(
                    before, answer, after, now["responses"].get(status, answer), read=False
                )
                yield from _broken_contents(told, f"{where} {status}")


def broken_channels(before: Schema, after: Schema) -> Iterator[str]:
    """Yield what is broken between two AsyncAPI documents; their values are compared on their own."""
    for name, channel in before["channels"].items():
        now = after["channels"].get(name)
        if now is None or now["address"] != channel["address"]:
            yield f"channel {name} is gone"
            continue
        for message in channel["messages"].keys() - now["messages"].keys():
            yield f"channel {name} has no {message} any more"
    for name, message in before["components"]["messages"].items():
        now = after["components"]["messages"].get(name, {})
        for header in message["headers"]["properties"].keys() - now.get("headers", {}).get(
            "properties", {}
        ):
            yield f"message {name} has no header {header} any more"


class _Place:
    """Two schemas in the same place of two documents; references are looked up in their own document."""

    def __init__(
        self, root: Schema, before: Schema, root_now: Schema, after: Schema, read: bool
    ) -> None:
        self.root, self.root_now, self.read = root, root_now, read
        self.before, self.after = _found(root, before), _found(root_now, after)

    def inside(self, before: Schema, after: Schema) -> _Place:
        return _Place(self.root, before, self.root_now, after, read=self.read)


def _found(root: Schema, schema: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    found: Any = root
    for part in schema["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return _found(root, found)


def _broken(place: _Place, where: str) -> Iterator[str]:
    before, after = place.before, place.after
    if "anyOf" in before or "anyOf" in after:
        yield from _broken_choice(place, where)
        return
    yield from _broken_fields(place, where)
    wider, narrower = (after, before) if place.read else (before, after)
    if (
        "type" in wider
        and narrower.get("type") != wider["type"]
        and not _is_integer_for_number(narrower, wider)
    ):
        yield f"{where}: the type was {before.get('type', 'any')} and is {after.get('type', 'any')}"
    lost = set(narrower.get("enum", ())) - set(wider.get("enum", narrower.get("enum", ())))
    if lost or ("enum" in wider and "enum" not in narrower):
        what = "does not read any more" if place.read else "writes besides"
        yield f"{where}: misfire {what} {', '.join(sorted(map(str, lost))) or 'other values'}"
    for limit in _LIMITS:
        if limit in wider and narrower.get(limit) != wider[limit]:
            yield f"{where}: {limit} was {before.get(limit, 'none')} and is {after.get(limit, 'none')}"
    for part in ("items", "additionalProperties"):
        if isinstance(before.get(part), Mapping) and isinstance(after.get(part), Mapping):
            yield from _broken(place.inside(before[part], after[part]), f"{where}[]")


def _is_integer_for_number(narrower: Schema, wider: Schema) -> bool:
    return (narrower.get("type"), wider.get("type")) == ("integer", "number")


def _broken_fields(place: _Place, where: str) -> Iterator[str]:
    fields, now = place.before.get("properties", {}), place.after.get("properties", {})
    for name in sorted(fields.keys() - now.keys()):
        yield f"{where}.{name} is gone"
    required, required_now = (
        set(place.before.get("required", ())),
        set(place.after.get("required", ())),
    )
    for name in sorted(required_now - required if place.read else required - required_now):
        yield f"{where}.{name} {'has to be there now' if place.read else 'may be missing now'}"
    for name in sorted(fields.keys() & now.keys()):
        yield from _broken(place.inside(fields[name], now[name]), f"{where}.{name}")


def _broken_choice(place: _Place, where: str) -> Iterator[str]:
    """Every choice on the narrower side needs one on the wider side that it fits."""
    before = place.before.get("anyOf", [place.before])
    after = place.after.get("anyOf", [place.after])
    for choice in before if place.read else after:
        others = after if place.read else before
        fits = (
            not list(
                _broken(
                    place.inside(choice, other) if place.read else place.inside(other, choice),
                    where,
                )
            )
            for other in others
        )
        if not any(fits):
            kind = choice.get("type", choice.get("$ref", "a value"))
            yield f"{where}: {kind} {'was one of the choices' if place.read else 'is a new choice'}"


def _broken_parameters(place: _Place, where: str) -> Iterator[str]:
    named, now = (
        {each["name"]: each for each in side.get("parameters", ())}
        for side in (place.before, place.after)
    )
    for name in sorted(named.keys() - now.keys()):
        yield f"{where} does not read {name} any more"
    for name, parameter in now.items():
        if parameter.get("required") and not named.get(name, {}).get("required"):
            yield f"{where} wants {name} now"
        if name in named:
            yield from _broken(
                place.inside(named[name]["schema"], parameter["schema"]), f"{where} {name}"
            )


def _broken_contents(place: _Place, where: str) -> Iterator[str]:
    contents, now = place.before.get("content", {}), place.after.get("content", {})
    for media in contents:
        if media not in now:
            yield f"{where} has no {media} any more"
            continue
        yield from _broken(
            place.inside(contents[media].get("schema", {}), now[media].get("schema", {})), where
        )
