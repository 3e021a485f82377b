"""The JSON schema of a scenario file, for editors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from harness.scenario.matrix import RESERVED
from harness.scenario.paths import field_paths, open_paths
from harness.scenario.schema import JobContent, Scenario


def scenario_schema(mappings: Mapping[str, dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12); it knows every dotted path of the matrix.

    Args:
        mappings: Field that is a free mapping here (``phones``, ``gates``) -> the schema of what
            another part reads in it.
    """
    schema = Scenario.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "mobileasr-lab scenario"
    definitions = schema.setdefault("$defs", {})
    known = {name: _hoisted(inner, definitions) for name, inner in (mappings or {}).items()}
    for name, inner in known.items():
        _fill(schema["properties"][name], inner)
    schema["properties"]["matrix"] = _matrix(definitions, known)
    # To editors whose YAML is 1.1 a bare `off` is the boolean.
    schema["properties"]["gates"]["anyOf"].append({"const": False})
    schema["properties"]["model"] = {
        "anyOf": [schema["properties"]["model"], {"type": "string"}],
        "description": "A shipped model by name, or its parts.",
    }
    schema["required"] = ["name"]
    return schema


def _hoisted(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Take a schema's own definitions out of it."""
    definitions.update(schema.pop("$defs", {}))
    return schema


def _fill(field: dict[str, Any], inner: dict[str, Any]) -> None:
    """Put the schema of a mapping where a field allows any."""
    for place in (field, *field.get("anyOf", ())):
        if place.get("type") == "object":
            place.clear()
            place.update(inner)


def _matrix(definitions: dict[str, Any], known: dict[str, dict[str, Any]]) -> dict[str, Any]:
    def axis(value: dict[str, Any]) -> dict[str, Any]:
        return {"type": "array", "items": value, "minItems": 1}

    axes: dict[str, Any] = {}
    for path, annotation in field_paths(JobContent).items():
        value = TypeAdapter(annotation).json_schema(ref_template="#/$defs/{model}")
        axes[path] = axis(_hoisted(value, definitions))
    free = {f"^{path}\\..+": axis({}) for path in open_paths(JobContent) if path not in known}
    for name, inner in known.items():
        _fill(axes[name]["items"], inner)
        for key, value in inner["properties"].items():
            axes[f"{name}.{key}"] = axis(value)
            if value.get("type") == "object":
                free[f"^{name}\\.{key}\\..+"] = axis(value.get("additionalProperties", {}))
    entries = {"type": "array", "items": {"type": "object", "minProperties": 1}}
    return {
        "type": "object",
        "description": "Dotted path of a field -> its values; every combination is a job.",
        "properties": {**axes, **dict.fromkeys(RESERVED, entries)},
        "patternProperties": free,
        "additionalProperties": False,
    }
