"""Finds breaking changes between two releases' OpenAPI, AsyncAPI and JSON Schema documents.

misfire may accept more than before and may write less than before, but never the reverse, and no
field is ever removed.

This is our own code because the libraries on PyPI answer another question. jsoncompat 0.3.1 and
jsonsubschema 0.0.8 check whether one schema accepts everything that another one accepts. By that
rule a new optional field breaks a request, since an old client might have sent anything under that
name, and a field that is no longer read breaks nothing. They also return a truth value, where a
release needs the field's name, and compare values only, not paths, parameters or channels.
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
    """Yield one sentence for each breaking change between two JSON Schemas of a value.

    Args:
        before: the schema of the earlier release.
        after: the present schema.
        read: whether misfire reads such values; otherwise it writes them.
        where: the path of the value, with which the sentences begin.
    """
    yield from _broken(_Pair(before, before, after, after, read=read), where)


def broken_api(before: Schema, after: Schema) -> Iterator[str]:
    """Yield one sentence for each breaking change between two OpenAPI documents."""
    for path, methods in before["paths"].items():
        for method in (name for name in _METHODS if name in methods):
            where, now = f"{method.upper()} {path}", after["paths"].get(path, {}).get(method)
            if now is None:
                yield f"{where} was removed"
                continue
            request = _Pair(before, methods[method], after, now, read=True)
            yield from _broken_parameters(request, where)
            body, body_now = (each.get("requestBody", {}) for each in (methods[method], now))
            yield from _broken_contents(request.inside(body, body_now), where)
            for status, answer in methods[method]["responses"].items():
                response = _Pair(
                    before, answer, after, now["responses"].get(status, answer), read=False
                )
                yield from _broken_contents(response, f"{where} {status}")


def broken_channels(before: Schema, after: Schema) -> Iterator[str]:
    """Yield one sentence for each breaking change between two AsyncAPI documents.

    Payloads are not compared here; see ``broken_value``.
    """
    for name, channel in before["channels"].items():
        now = after["channels"].get(name)
        if now is None or now["address"] != channel["address"]:
            yield f"channel {name} was removed"
            continue
        for message in channel["messages"].keys() - now["messages"].keys():
            yield f"channel {name} no longer has {message}"
    for name, message in before["components"]["messages"].items():
        now = after["components"]["messages"].get(name, {})
        for header in message["headers"]["properties"].keys() - now.get("headers", {}).get(
            "properties", {}
        ):
            yield f"message {name} no longer has the header {header}"


class _Pair:
    """Two schemas at the same position of two documents; each resolves references in its own."""

    def __init__(
        self, root: Schema, before: Schema, root_now: Schema, after: Schema, read: bool
    ) -> None:
        self.root, self.root_now, self.read = root, root_now, read
        self.before, self.after = _resolve(root, before), _resolve(root_now, after)

    def inside(self, before: Schema, after: Schema) -> _Pair:
        return _Pair(self.root, before, self.root_now, after, read=self.read)


def _resolve(root: Schema, schema: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    found: Any = root
    for part in schema["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return _resolve(root, found)


def _broken(pair: _Pair, where: str) -> Iterator[str]:
    before, after = pair.before, pair.after
    if "anyOf" in before or "anyOf" in after:
        yield from _broken_choice(pair, where)
        return
    yield from _broken_fields(pair, where)
    wider, narrower = (after, before) if pair.read else (before, after)
    if (
        "type" in wider
        and narrower.get("type") != wider["type"]
        and not _is_integer_for_number(narrower, wider)
    ):
        yield f"{where}: the type was {before.get('type', 'any')} and is {after.get('type', 'any')}"
    lost = set(narrower.get("enum", ())) - set(wider.get("enum", narrower.get("enum", ())))
    if lost or ("enum" in wider and "enum" not in narrower):
        what = "no longer reads" if pair.read else "now also writes"
        yield f"{where}: misfire {what} {', '.join(sorted(map(str, lost))) or 'other values'}"
    for limit in _LIMITS:
        if limit in wider and narrower.get(limit) != wider[limit]:
            was, now = (each.get(limit, "not set") for each in (before, after))
            yield f"{where}: {limit} was {was} and is {now}"
    for part in ("items", "additionalProperties"):
        if isinstance(before.get(part), Mapping) and isinstance(after.get(part), Mapping):
            yield from _broken(pair.inside(before[part], after[part]), f"{where}[]")


def _is_integer_for_number(narrower: Schema, wider: Schema) -> bool:
    return (narrower.get("type"), wider.get("type")) == ("integer", "number")


def _broken_fields(pair: _Pair, where: str) -> Iterator[str]:
    fields, now = pair.before.get("properties", {}), pair.after.get("properties", {})
    for name in sorted(fields.keys() - now.keys()):
        yield f"{where}.{name} was removed"
    required, required_now = (
        set(pair.before.get("required", ())),
        set(pair.after.get("required", ())),
    )
    for name in sorted(required_now - required if pair.read else required - required_now):
        yield f"{where}.{name} is {'now required' if pair.read else 'no longer always present'}"
    for name in sorted(fields.keys() & now.keys()):
        yield from _broken(pair.inside(fields[name], now[name]), f"{where}.{name}")


def _broken_choice(pair: _Pair, where: str) -> Iterator[str]:
    """Check that each choice of the narrower schema fits one of the wider schema."""
    before = pair.before.get("anyOf", [pair.before])
    after = pair.after.get("anyOf", [pair.after])
    for choice in before if pair.read else after:
        others = after if pair.read else before
        fits = (
            not list(
                _broken(
                    pair.inside(choice, other) if pair.read else pair.inside(other, choice),
                    where,
                )
            )
            for other in others
        )
        if not any(fits):
            kind = choice.get("type", choice.get("$ref", "a value"))
            yield f"{where}: {kind} {'is no longer accepted' if pair.read else 'is a new choice'}"


def _broken_parameters(pair: _Pair, where: str) -> Iterator[str]:
    named, now = (
        {each["name"]: each for each in side.get("parameters", ())}
        for side in (pair.before, pair.after)
    )
    for name in sorted(named.keys() - now.keys()):
        yield f"{where} no longer reads {name}"
    for name, parameter in now.items():
        if parameter.get("required") and not named.get(name, {}).get("required"):
            yield f"{where} now requires {name}"
        if name in named:
            yield from _broken(
                pair.inside(named[name]["schema"], parameter["schema"]), f"{where} {name}"
            )


def _broken_contents(pair: _Pair, where: str) -> Iterator[str]:
    contents, now = pair.before.get("content", {}), pair.after.get("content", {})
    for media in contents:
        if media not in now:
            yield f"{where} no longer has {media}"
            continue
        yield from _broken(
            pair.inside(contents[media].get("schema", {}), now[media].get("schema", {})), where
        )
