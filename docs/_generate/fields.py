"""Fields of pydantic models as rows of a Markdown table."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, TypeAdapter

_WORDS = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "true or false",
    "null": "nothing",
}
_LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} of them",
    "pattern": "matches `{}`",
}


@dataclass(frozen=True)
class Row:
    """One field, in words; its default is as YAML has it."""

    name: str
    type: str
    limits: str
    default: str
    meaning: str
    nullable: bool


@cache
def descriptions(model: type[BaseModel]) -> Mapping[str, str]:
    """Return the text that stands under each field in the source, of parents too."""
    fields = model.model_fields.items()
    found = {name: field.description for name, field in fields if field.description}
    for part in reversed(model.__mro__):
        if not (isinstance(part, type) and issubclass(part, BaseModel)) or part is BaseModel:
            continue
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(part))).body[0]
        except OSError:
            continue  # made from declarations, which say it themselves
        assert isinstance(tree, ast.ClassDef)
        for field, text in pairwise(tree.body):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(text, ast.Expr)
                and isinstance(text.value, ast.Constant)
                and isinstance(text.value.value, str)
            ):
                found[field.target.id] = " ".join(text.value.value.split())
    return found


def rows(model: type[BaseModel], links: Mapping[str, str]) -> Iterator[Row]:
    """Describe each field of a model.

    Args:
        model: The model.
        links: Class name -> where the page describes it.
    """
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    texts = descriptions(model)
    for name, field in model.model_fields.items():
        whole = TypeAdapter(field.rebuild_annotation()).json_schema(mode="validation")
        known = whole.pop("$defs", {})
        several = whole.get("anyOf", [whole])
        plain = [one for one in several if one != {"type": "null"}]
        default = field.get_default(call_default_factory=True)
        yield Row(
            name,
            " or ".join(dict.fromkeys(type_words(one, known, links) for one in plain)),
            ", ".join(dict.fromkeys(limit for one in plain for limit in _limits(one))),
            "required" if name in required else default_words(default),
            texts.get(name, ""),
            len(plain) < len(several),
        )


def type_words(
    schema: Mapping[str, Any], known: Mapping[str, Any], links: Mapping[str, str]
) -> str:
    """Say in words what a JSON schema allows."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name in links:
            return f"[{known[name].get('title', name)}]({links[name]})"
        return type_words(known[name], known, links)
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    for several in ("anyOf", "oneOf"):
        if several in schema:
            parts = [type_words(one, known, links) for one in schema[several]]
            return " or ".join(dict.fromkeys(parts))
    kind = schema.get("type")
    if kind == "array":
        if "prefixItems" in schema:
            return f"{len(schema['prefixItems'])} values"
        return f"list of {type_words(schema.get('items', {}), known, links)}"
    if kind == "object":
        if schema.get("title") in links:
            return f"[{schema['title']}]({links[schema['title']]})"
        values = schema.get("additionalProperties")
        if isinstance(values, Mapping) and values:
            return f"mapping to {type_words(values, known, links)}"
        return "mapping"
    return _WORDS.get(str(kind), "anything")


def _limits(schema: Mapping[str, Any]) -> Iterator[str]:
    for word, text in _LIMITS.items():
        if word in schema:
            value = schema[word]
            yield text.format(f"{value:,}" if isinstance(value, int) else value)


def default_words(value: Any) -> str:
    """Write a default as YAML would have it; a section says its own below."""
    if value is None or value == "":
        return "–"
    if isinstance(value, BaseModel):
        return "its defaults"
    if isinstance(value, (list, tuple)):
        return f"`[{', '.join(map(str, value))}]`"
    if isinstance(value, float):
        return f"`{value:g}`"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; bars within cells are escaped."""
    written = [head, ["---"] * len(head), *lines]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in written
    )
