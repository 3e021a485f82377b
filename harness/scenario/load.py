"""From a scenario file to a checked `Scenario` that still knows where each word stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.errors import InputError
from harness.scenario.base import Section
from harness.scenario.baselines import BASELINE, with_baseline
from harness.scenario.demands import Demands
from harness.scenario.figures import unknown_in
from harness.scenario.identity import sha256_of
from harness.scenario.matrix import Combination, Location, Matrix, MatrixError, apply, check_matrix
from harness.scenario.overrides import override
from harness.scenario.paths import MISSING, get_path, set_path
from harness.scenario.report import wrong_baseline
from harness.scenario.schema import JobContent, Scenario
from harness.yamlio import LineIndex, explain, load_yaml, validate


class _Avoided(Section):
    phones: Demands


@dataclass(frozen=True)
class LoadedScenario:
    """A scenario, its matrix, and where its words stand.

    Args:
        scenario: The file with its defaults; fields that only the matrix sets hold the first value
            of their axis.
        matrix: The checked matrix.
        base: The mapping that the matrix is applied to.
        lines: Where things stand.
        folder: Relative paths of the scenario start here.
    """

    scenario: Scenario
    matrix: Matrix
    base: Mapping[str, Any]
    lines: LineIndex
    folder: Path

    @property
    def sha256(self) -> str:
        """SHA-256 of the resolved scenario."""
        return sha256_of(self.scenario.model_dump(mode="json"))

    def where(self, location: Location = ()) -> str:
        """Return ``file:line: field`` of a place in the scenario."""
        return self.lines.where(location)

    def content(self, combination: Combination) -> JobContent:
        """Return what the jobs of one combination are made of.

        Raises:
            InputError: A value of the combination does not fit its field; the message has the line
                where the matrix says it.
        """
        try:
            tree = with_baseline(apply(self.base, combination), self.matrix)
        except MatrixError as error:
            raise _said(error, self.lines) from error
        raw = {key: tree[key] for key in JobContent.model_fields if key in tree}
        try:
            return JobContent.model_validate(raw)
        except ValidationError as error:
            lines = _as_written(self.lines, combination.written)
            raise explain(error, raw, lines, JobContent) from error

    def avoided(self, number: int, phones: Mapping[str, Any]) -> Demands:
        """Return the phones that an entry of the matrix's ``exclude`` keeps a job from.

        Args:
            number: Which entry.
            phones: What `exclusion` found in it.

        Raises:
            InputError: A value does not fit its field, with the line of the entry.
        """
        written: dict[str, Location] = {
            f"phones.{name}": ("matrix", "exclude", number, f"phones.{name}") for name in phones
        }
        lines = _as_written(self.lines, written)
        return validate(_Avoided, {"phones": phones}, lines).phones


def load_scenario(path: Path, overrides: Sequence[str] = ()) -> LoadedScenario:
    """Read and check a scenario file.

    Args:
        path: The YAML file.
        overrides: ``dotted.path=value``, applied in order before anything is checked.

    Raises:
        InputError: With file, line and field: what is wrong and what to do.
    """
    raw, lines = load_yaml(path)
    return parse_scenario(raw, lines, folder=path.parent, overrides=overrides)


def parse_scenario(
    raw: Any, lines: LineIndex, *, folder: Path, overrides: Sequence[str] = ()
) -> LoadedScenario:
    """Check a scenario's mapping; see `load_scenario`."""
    if not isinstance(raw, Mapping):
        raise InputError("a scenario is a mapping of fields", where=lines.where())
    base: Mapping[str, Any] = raw
    for text in overrides:
        base = override(base, text)
    matrix = _matrix(base, lines)
    try:
        tree = with_baseline(_filled(base, matrix), matrix)
    except MatrixError as error:
        given = next((t for t in reversed(overrides) if t.startswith(f"{BASELINE}=")), None)
        if given is None or error.location != (BASELINE,):
            raise _said(error, lines) from error
        raise InputError(error.what, where=f"--set {given}", hint=error.hint) from error
    try:
        scenario = Scenario.model_validate(tree)
    except ValidationError as error:
        _blame_override(raw, overrides)
        first: dict[str, Location] = {path: ("matrix", path, 0) for path in matrix.axes}
        raise explain(error, tree, _as_written(lines, first), Scenario) from error
    _check_expectations(scenario, lines, overrides)
    _check_axes_of_expectations(scenario, _matrix(raw, lines), lines)
    _check_baseline(scenario, matrix, lines)
    return LoadedScenario(scenario, matrix, base, lines, folder.resolve())


def _check_expectations(scenario: Scenario, lines: LineIndex, overrides: Sequence[str]) -> None:
    override_of = next((text for text in reversed(overrides) if text.startswith("expect")), None)
    for number, expect in enumerate(scenario.expect):
        unknown = unknown_in(expect, scenario.report)
        if unknown is not None:
            what, hint = unknown
            place = lines.where(("expect", number))
            raise InputError(
                what, where=f"--set {override_of}" if override_of else place, hint=hint
            )


def _check_axes_of_expectations(scenario: Scenario, matrix: Matrix, lines: LineIndex) -> None:
    """Refuse an expectation over a setting that is the same in all jobs: nobody could judge it.

    Args:
        scenario: With its expectations.
        matrix: As the file has it: ``--set`` may take an axis away.
        lines: Where things stand.
    """
    varied = [path for path, values in matrix.axes.items() if len(values) > 1]
    varied += [path for entry in matrix.include for path in entry if path not in varied]
    for number, expect in enumerate(scenario.expect):
        path = expect.falls_over or expect.rises_over or "epoch"
        own = path == "epoch" or path.startswith("phones.") or path == "trainer.sub_model"
        if own or any(f"{path}.".startswith(f"{axis}.") for axis in varied):
            continue
        there = f"The matrix varies {', '.join(varied)}." if varied else "There is no matrix."
        raise InputError(
            f"{path} is the same in all jobs, so that nothing can fall or rise over it",
            where=lines.where(("expect", number)),
            hint=f"{there} Write matrix: {{{path}: [...]}}.",
        )


def _check_baseline(scenario: Scenario, matrix: Matrix, lines: LineIndex) -> None:
    """Refuse a baseline that no job is: nothing could be compared with it."""
    if scenario.report is None or not isinstance(scenario.report.baseline, dict):
        return
    axes = {path: list(values) for path, values in matrix.axes.items()}
    for entry in matrix.include:
        for path, value in entry.items():
            axes.setdefault(path, []).append(value)
    wrong = wrong_baseline(scenario.report.baseline, axes)
    if wrong is not None:
        what, hint = wrong
        raise InputError(what, where=lines.where(("report", "baseline")), hint=hint)


def _matrix(base: Mapping[str, Any], lines: LineIndex) -> Matrix:
    try:
        return check_matrix(base.get("matrix"))
    except MatrixError as error:
        raise _said(error, lines) from error


def _said(error: MatrixError, lines: LineIndex) -> InputError:
    return InputError(error.what, where=lines.where(error.location), hint=error.hint)


def _filled(base: Mapping[str, Any], matrix: Matrix) -> dict[str, Any]:
    """Return ``base`` with the first value of each axis where the file sets none itself."""
    tree = dict(base)
    for path, values in matrix.axes.items():
        if get_path(tree, path) in (MISSING, None):
            try:
                tree = set_path(tree, path, values[0])
            except ValueError:
                continue  # told, with its place, when the combination is applied
    return tree


def _as_written(lines: LineIndex, written: Mapping[str, Location]) -> LineIndex:
    """Return an index that finds a field set by the matrix on the matrix's line."""
    moved: dict[Location, int] = {
        tuple(path.split(".")): lines.line(at) for path, at in written.items()
    }
    return LineIndex(lines.path, {**lines.lines, **moved})


def _blame_override(raw: Mapping[str, Any], overrides: Sequence[str]) -> None:
    """Raise naming the first ``--set`` after which a scenario that was right is wrong."""
    tree: Mapping[str, Any] = raw
    for step, text in enumerate(("", *overrides)):
        if step:
            tree = override(tree, text)
        matrix = check_matrix(tree.get("matrix"))
        filled = _filled(tree, matrix)
        try:
            filled = with_baseline(filled, matrix)
            Scenario.model_validate(filled)
        except MatrixError:
            continue  # a later one sets it right: all together have a baseline
        except ValidationError as error:
            if not step:
                return  # the file itself is wrong
            blamed = explain(error, filled, LineIndex(f"--set {text}"), Scenario)
            where = f"--set {text}"
            raise InputError(blamed.what, where=where, hint=blamed.hint) from error
