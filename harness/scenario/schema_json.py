"""The JSON schema of a scenario file, for editors."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from harness.scenario.matrix import RESERVED
from harness.scenario.paths import field_paths, open_paths
from harness.scenario.schema import JobContent, Scenario


def scenario_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12); it knows every dotted path of the matrix."""
    schema = Scenario.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "mobileasr-lab scenario"
    schema["properties"]["matrix"] = _matrix(schema.setdefault("$defs", {}))
    # To editors whose YAML is 1.1 a bare `off` is the boolean.
    schema["properties"]["gates"]["anyOf"].append({"const": False})
    schema["properties"]["model"] = {
        "anyOf": [schema["properties"]["model"], {"type": "string"}],
        "description": "A shipped model by name, or its parts.",
    }
    schema["required"] = ["name"]
    return schema


def _matrix(definitions: dict[str, Any]) -> dict[str, Any]:
    axes: dict[str, Any] = {}
    for path, annotation in field_paths(JobContent).items():
        value = TypeAdapter(annotation).json_schema(ref_template="#/$defs/{model}")
        definitions.update(value.pop("$defs", {}))
        axes[path] = {"type": "array", "items": value, "minItems": 1}
    free = {f"^{path}\\..+": {"type": "array", "minItems": 1} for path in open_paths(JobContent)}
    entries = {"type": "array", "items": {"type": "object", "minProperties": 1}}
    return {
        "type": "object",
        "description": "Dotted path of a field -> its values; every combination is a job.",
        "properties": {**axes, **dict.fromkeys(RESERVED, entries)},
        "patternProperties": free,
        "additionalProperties": False,
    }
