"""The JSON schema of a scenario file, with what ``harness.devices`` reads in phones and gates."""

from __future__ import annotations

from typing import Any

from harness.devices.gates import PRESETS, gates_model
from harness.devices.requirements import Demands
from harness.scenario import scenario_schema


def editor_schema() -> dict[str, Any]:
    """Return what editors complete and check a scenario file with (draft 2020-12)."""
    phones = Demands.model_json_schema()
    phones["description"] = "Demands on the phone."
    gates = gates_model().model_json_schema()
    gates["properties"]["preset"] = {
        "enum": sorted(PRESETS),
        "default": "lab",
        "description": "What holds where nothing is said here.",
    }
    gates["description"] = "Gates of one's own, over a preset."
    return scenario_schema({"phones": phones, "gates": gates})
