"""The JSON schema of a scenario file, for editors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel

from harness.contract.exits import Rule
from harness.scenario.federated import StrategyName
from harness.scenario.matrix import RESERVED
from harness.scenario.paths import section_of
from harness.scenario.schema import JobContent, Scenario


def scenario_schema(gates: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12); it knows every dotted path of the matrix.

    Args:
        gates: The schema of what ``harness.devices`` reads in ``gates``, a free mapping here.
    """
    schema = Scenario.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "mobileasr-lab scenario"
    definitions = schema.setdefault("$defs", {})
    known = _hoisted(dict(gates), definitions) if gates else {}
    axes = _axes(JobContent, "", definitions)
    for fields in (schema["properties"], axes):
        _fill(fields["gates"], known)
        fields["model"] = {
            "anyOf": [fields["model"], {"type": "string"}],
            "description": "A shipped model by name, or its parts.",
        }
        names = {"type": "array", "items": {"type": "string"}, "minItems": 1}
        fields["also_evaluate"]["anyOf"] += [names, {"type": "string"}]
    for fields, name in (
        (definitions["Federated"]["properties"], "strategy"),
        (axes, "federated.strategy"),
    ):
        fields[name] = {
            "anyOf": [fields[name], {"enum": list(get_args(StrategyName))}],
            "description": "How the server makes one model; a word alone is its name.",
        }
    for fields, name in (
        (definitions["Trainer"]["properties"], "exits"),
        (axes, "trainer.exits"),
    ):
        fields[name]["anyOf"].append({"enum": list(get_args(Rule))})
    for fields, name in (
        (definitions["Trainer"]["properties"], "stored"),
        (axes, "trainer.stored"),
    ):
        fields[name]["anyOf"].append(definitions["Stored"]["properties"]["format"])
    baselines = schema["properties"]["baselines"]
    for pattern, model in baselines["patternProperties"].items():
        baselines["patternProperties"][pattern] = {"anyOf": [model, {"type": "string"}]}
    schema["properties"]["matrix"] = _matrix(axes, known)
    # To editors whose YAML is 1.1 a bare `off` is the boolean.
    schema["properties"]["gates"]["anyOf"].append({"const": False})
    schema["required"] = ["name"]
    return schema


def _hoisted(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Take a schema's own definitions out of it."""
    definitions.update(schema.pop("$defs", {}))
    return schema


def _fill(field: dict[str, Any], inner: Mapping[str, Any]) -> None:
    """Put the schema of a mapping where a field allows any."""
    for place in (field, *field.get("anyOf", ())):
        if inner and place.get("type") == "object":
            place.clear()
            place.update(inner)


def _axes(
    model: type[BaseModel], prefix: str, definitions: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the schema of one value of each dotted path below ``model``."""
    schema = _hoisted(model.model_json_schema(by_alias=True), definitions)
    values: dict[str, dict[str, Any]] = {}
    for name, field in model.model_fields.items():
        values[f"{prefix}{name}"] = schema["properties"][field.alias or name]
        inner = section_of(field.annotation)
        if inner is not None:
            values.update(_axes(inner, f"{prefix}{name}.", definitions))
    return values


def _matrix(values: Mapping[str, dict[str, Any]], gates: Mapping[str, Any]) -> dict[str, Any]:
    def axis(value: dict[str, Any]) -> dict[str, Any]:
        return {"type": "array", "items": value, "minItems": 1}

    axes = {path: axis(value) for path, value in values.items()}
    free: dict[str, Any] = {} if gates else {r"^gates\..+": axis({})}
    for key, value in gates.get("properties", {}).items():
        axes[f"gates.{key}"] = axis(value)
        if value.get("type") == "object":
            free[f"^gates\\.{key}\\..+"] = axis(value.get("additionalProperties", {}))
    entries = {"type": "array", "items": {"type": "object", "minProperties": 1}}
    return {
        "type": "object",
        "description": "Dotted path of a field -> its values; every combination is a job.",
        "properties": {**axes, **dict.fromkeys(RESERVED, entries)},
        "patternProperties": free,
        "additionalProperties": False,
    }
