"""JSON schemas of the contract, for trainers in other languages.

``python -m harness.contract.schema`` writes them beside this module.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from harness.contract.events import Event
from harness.contract.job import Job

SCHEMA_FOLDER = Path(__file__).with_name("schemas")


def schemas() -> dict[str, dict[str, Any]]:
    """Return the schemas by name: ``job`` and ``event``."""
    adapter: TypeAdapter[Any] = TypeAdapter(Event)
    return {"job": Job.model_json_schema(), "event": adapter.json_schema()}


def main() -> None:
    """Write the schema files."""
    SCHEMA_FOLDER.mkdir(exist_ok=True)
    for name, schema in schemas().items():
        text = json.dumps(schema, indent=1, sort_keys=True) + "\n"
        (SCHEMA_FOLDER / f"{name}.schema.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
