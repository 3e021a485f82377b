"""A scenario is checked, and its jobs' needs found out, before any phone is looked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from harness.devices.gates import PRESETS, gates_model, parse_gates
from harness.devices.profile import load_profile
from harness.errors import InputError
from harness.lab.planning.baselines import check_compared
from harness.lab.planning.clients import with_start_jobs
from harness.lab.planning.materials import Materials
from harness.lab.planning.needs import JobNeeds
from harness.lab.planning.rare_words import check_rare_words
from harness.scenario import (
    JobContent,
    JobSpec,
    LoadedScenario,
    Scenario,
    expand_jobs,
    scenario_schema,
    tasks_of,
)
from harness.scenario.paths import is_known


def check_scenario(
    loaded: LoadedScenario, materials: Materials, only: Sequence[str] = ()
) -> list[JobNeeds]:
    """Expand a scenario and check all that it names.

    Raises:
        InputError: Something in the scenario is wrong or missing.
    """
    specs = expand_jobs(loaded, only)
    check_profiles(loaded, specs)
    gates_at = loaded.where(("gates",))
    parse_gates(loaded.scenario.gates, gates_at)  # also where the matrix overwrites it
    check_compared(loaded, specs)
    with located(loaded):
        specs = with_start_jobs(specs, materials)
        jobs = materials.needs(tasks_of(specs), gates_at)
        materials.check(jobs)
        check_rare_words(loaded, materials, jobs)
    return jobs


@contextmanager
def located(loaded: LoadedScenario) -> Iterator[None]:
    """Give an error that names only a field (``model.name``) its file and line.

    Raises:
        InputError: What was raised inside, with its place.
    """
    try:
        yield
    except InputError as error:
        path, colon, rest = error.where.partition(":")
        if not is_known(path, JobContent) and not is_known(path, Scenario):
            raise
        where = f"{_place(loaded, path)}{colon}{rest}"
        raise InputError(error.what, where=where, hint=error.hint) from error


def _place(loaded: LoadedScenario, path: str) -> str:
    """Return where the value of a field is written: by the matrix, or in the field itself."""
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        axis = ".".join(parts[:length])
        if axis in loaded.matrix.axes:
            return loaded.where(("matrix", axis))
    return loaded.where(tuple(parts))


def check_profiles(loaded: LoadedScenario, specs: Sequence[JobSpec]) -> None:
    """Check that the profiles exist which a scenario and its jobs name.

    Raises:
        InputError: A profile that there is not, with its line.
    """
    demands = [loaded.scenario.phones]
    for spec in specs:
        demands += [spec.content.phones, *spec.avoid]
    names = dict.fromkeys(name for each in demands for name in each.profile or ())
    for name in names:
        if not set("*?[") & set(name):
            _check_profile(name, _place(loaded, "phones.profile"))


def _check_profile(name: str, where: str) -> None:
    try:
        load_profile(name)
    except InputError as error:
        raise InputError(error.what, where=error.where or where, hint=error.hint) from error


def editor_schema() -> dict[str, Any]:
    """Return what editors complete and check a scenario file with (draft 2020-12)."""
    gates = gates_model().model_json_schema()
    gates["properties"]["preset"] = {
        "enum": sorted(PRESETS),
        "default": "lab",
        "description": "What holds where nothing is said here.",
    }
    gates["description"] = "Gates of one's own, over a preset."
    return scenario_schema(gates)
