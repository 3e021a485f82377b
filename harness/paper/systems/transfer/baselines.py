"""Which baselines the page compares: those of the scenario, and those of others that are there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from harness.errors import InputError
from harness.paper.systems.transfer.pairs import FAR, WITHOUT
from harness.paths import data_root
from harness.trainer.manifest import FILE_NAME
from harness.yamlio import load_yaml

_SIZES: Final = (20, 60, 200)
_ITALIAN: Final = {"data.corpus": "speech/it"}
_TUNED: Final = {**_ITALIAN, "data.train": 20}
"""What phones fine-tune the baselines of a recipe on."""
_MODELS: Final[Mapping[str, str]] = {
    FAR: "ds2-small-far",
    WITHOUT: "ds2-small-en-it-fr",
    **{f"{r}-{n}": f"ds2-small-it-{r.lower()}-{n}" for r in "ABC" for n in _SIZES},
    "L-60": "ds2-small-it-l-60",
}
"""Baseline -> the model folder that `docs/pretraining.md` makes it in."""


def with_models(scenario: Path, folder: Path | None) -> list[str]:
    """Return what adds the other baselines that are there to the scenario, as ``--set`` has it.

    Args:
        scenario: The scenario file.
        folder: Model folders of a user's; those that come with the project count besides.

    Raises:
        InputError: The folder has none of them.
    """
    found = {name: model for name, model in _there(folder).items() if model is not None}
    if folder is not None and not any("path" in model for model in found.values()):
        raise InputError(
            "none of the baselines of this page is in it",
            where=f"--models {folder}",
            hint=f"Their folders are called {', '.join(_MODELS.values())} (docs/pretraining.md).",
        )
    if not found:
        return []
    raw, _ = load_yaml(scenario)
    jobs = [*raw["matrix"]["include"], *(job for name in found for job in _jobs(name))]
    return [
        *(f"baselines.{name}={json.dumps(model)}" for name, model in found.items()),
        f"matrix.include={json.dumps(jobs)}",
    ]


def _there(folder: Path | None) -> dict[str, dict[str, str] | None]:
    return {name: _model(model, folder) for name, model in _MODELS.items()}


def _model(name: str, folder: Path | None) -> dict[str, str] | None:
    if folder is not None and (folder / name / FILE_NAME).is_file():
        return {"path": str((folder / name).absolute())}
    shipped = (data_root() / "models" / name / FILE_NAME).is_file()
    return {"name": name} if shipped else None


def _jobs(name: str) -> list[dict[str, Any]]:
    if name == FAR:
        return [{"baseline": name, **_ITALIAN, "data.train": size} for size in _SIZES]
    if name == WITHOUT:
        return [
            {"baseline": name, "data.corpus": f"speech/{code}", "data.train": 60,
             "data.speaker": f"{code}-female"}
            for code in ("de", "es")
        ]  # fmt: skip
    return [{"baseline": name, **_TUNED}]
