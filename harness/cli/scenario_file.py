"""Which file a scenario's name means."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.cli import console
from harness.errors import InputError, did_you_mean
from harness.paths import named_files
from harness.scenario import LoadedScenario, load_scenario


def read_scenario(scenario: Path, overrides: Sequence[str] = ()) -> LoadedScenario:
    """Read a scenario by its path, or by its name from the folders of `harness.paths`.

    Raises:
        InputError: There is none, or it is wrong.
    """
    return load_scenario(scenario_file(scenario), overrides)


def known_scenarios() -> dict[str, tuple[Path, ...]]:
    """Return the scenario files by name (``quickstart``, ``paper/table1``), sorted."""
    return named_files("scenarios", inner=True)


def scenario_file(scenario: Path) -> Path:
    """Return the file: the path itself, or that of a scenario of this name.

    Raises:
        InputError: It is a name, and there is none such.
    """
    if scenario.is_file() or scenario.suffix in (".yaml", ".yml") or scenario.is_absolute():
        return scenario
    known = known_scenarios()
    paths = known.get(scenario.as_posix())
    if paths is None:
        meant = did_you_mean(scenario.as_posix(), known)
        what = "this is a folder" if scenario.is_dir() else "no file and no scenario"
        raise InputError(
            f"{what} {scenario.as_posix()!r}",
            hint=f"{meant}Known by name: {', '.join(known)}.",
        )
    unused = "".join(f", not {path}" for path in paths[1:])
    console.note(f"scenario {scenario.as_posix()}: {paths[0]}{unused}")
    return paths[0]
