"""The matrix: from axes to combinations (pure; says *where* a mistake stands by its location)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.scenario.hints import written
from harness.scenario.paths import MISSING, field_paths, get_path, is_known, set_path, suggestion
from harness.scenario.schema import JobContent, Scenario

Location = tuple[str | int, ...]
MAX_COMBINATIONS = 200_000
RESERVED = ("include", "exclude")


class MatrixError(ValueError):
    """A mistake in the matrix.

    Args:
        location: Keys and indices from the scenario's top to the mistake.
        what: The mistake, in one sentence.
        hint: What to do next.
    """

    def __init__(self, location: Location, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.location = location
        self.what = what
        self.hint = hint


@dataclass(frozen=True)
class Combination:
    """One point of the matrix: the values set, and where each was written."""

    values: dict[str, Any]
    written: dict[str, Location]


@dataclass(frozen=True)
class Matrix:
    """A checked matrix."""

    axes: dict[str, list[Any]]
    include: list[dict[str, Any]]
    exclude: list[dict[str, Any]]

    def combinations(self) -> list[Combination]:
        """Return the product of the axes in writing order, then what ``include`` adds."""
        choices = [
            [(path, index, value) for index, value in enumerate(values)]
            for path, values in self.axes.items()
        ]
        found = [
            Combination(
                {path: value for path, _, value in point},
                {path: ("matrix", path, index) for path, index, _ in point},
            )
            for point in (itertools.product(*choices) if choices or not self.include else [])
        ]
        found += [
            Combination(dict(entry), {path: ("matrix", "include", n, path) for path in entry})
            for n, entry in enumerate(self.include)
        ]
        return found


def check_matrix(raw: Any) -> Matrix:
    """Check paths, shapes and sizes of a matrix.

    Args:
        raw: The scenario's ``matrix`` mapping; None or empty for a single job.

    Returns:
        The matrix, not yet expanded; values are checked later, within their sections.

    Raises:
        MatrixError: An unknown path, an axis that is not a list, an empty or repeated axis value,
            or more combinations than can be meant.
    """
    if raw is None:
        return Matrix({}, [], [])
    if not isinstance(raw, Mapping):
        raise MatrixError(("matrix",), "matrix maps dotted paths to lists of values")
    axes = {str(path): raw[path] for path in raw if path not in RESERVED}
    for path, values in axes.items():
        _check_path(path, ("matrix", path))
        if not isinstance(values, list):
            raise MatrixError(
                ("matrix", path),
                f"an axis is a list of values, not {values!r}",
                _as_axis(path, values),
            )
        if not values:
            raise MatrixError(
                ("matrix", path), "the axis has no values, so the matrix expands to nothing"
            )
        for index, value in enumerate(values):
            if any(same_value(value, earlier) for earlier in values[:index]):
                raise MatrixError(
                    ("matrix", path, index),
                    f"{value!r} stands twice on one axis",
                    "Use `repeats` to run the same job several times.",
                )
    _check_overlap(axes)
    size = math.prod(len(values) for values in axes.values())
    if size > MAX_COMBINATIONS:
        raise MatrixError(
            ("matrix",), f"the matrix has {size} combinations; at most {MAX_COMBINATIONS} are run"
        )
    return Matrix(axes, _entries(raw, "include"), _entries(raw, "exclude"))


def _as_axis(path: str, values: Any) -> str:
    """Return how to write what stands in place of an axis's list."""
    if isinstance(values, Mapping):
        axes = ", ".join(f"{path}.{key}: {written(inner)}" for key, inner in values.items())
        return f"An axis is named by its dotted path: matrix: {{{axes}}}."
    items = values.split(",") if isinstance(values, str) else [values]
    return f"Write {path}: [{', '.join(str(item).strip() for item in items)}]."


def _check_path(path: str, location: Location) -> None:
    if not is_known(path, JobContent):
        known = field_paths(JobContent)
        if path in Scenario.model_fields:
            raise MatrixError(
                location,
                f"{path} holds for the whole scenario and cannot vary",
                f"It stands at the top: {path}: ...",
            )
        hint = (
            suggestion(path, known) or f"A path starts with {', '.join(JobContent.model_fields)}."
        )
        raise MatrixError(location, f"unknown path {path!r}", hint)


def _check_overlap(axes: Mapping[str, Any]) -> None:
    for outer, inner in itertools.permutations(axes, 2):
        if inner.startswith(f"{outer}."):
            raise MatrixError(
                ("matrix", inner), f"{inner} lies within {outer}, which is an axis itself"
            )


def _entries(raw: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    entries = raw.get(key)
    if entries is None:
        return []
    if not isinstance(entries, list):
        hint = f"Write {key}: [{written(entries)}]." if isinstance(entries, Mapping) else ""
        raise MatrixError(("matrix", key), f"{key} is a list of mappings", hint)
    for index, entry in enumerate(entries):
        if not isinstance(entry, Mapping) or not entry:
            raise MatrixError(
                ("matrix", key, index), f"an entry of {key} maps dotted paths to values"
            )
        for path in entry:
            _check_path(str(path), ("matrix", key, index, str(path)))
    return [{str(path): value for path, value in entry.items()} for entry in entries]


def apply(base: Mapping[str, Any], combination: Combination) -> dict[str, Any]:
    """Return the scenario's mapping with one combination set.

    Raises:
        MatrixError: A path leads into a plain value.
    """
    tree = dict(base)
    path = ""
    try:
        for path, value in combination.values.items():
            tree = set_path(tree, path, value)
    except ValueError as error:
        raise MatrixError(combination.written[path], f"cannot set {path}: {error}") from error
    return tree


def same_value(wanted: Any, actual: Any) -> bool:
    """Compare a written value with a resolved one: 5 is 5.0, a list is a tuple, true is not 1."""
    if isinstance(wanted, bool) or isinstance(actual, bool):
        return wanted is actual
    if isinstance(wanted, (list, tuple)) and isinstance(actual, (list, tuple)):
        return len(wanted) == len(actual) and all(map(same_value, wanted, actual))
    if isinstance(wanted, Mapping) and isinstance(actual, Mapping):
        return all(key in actual and same_value(wanted[key], actual[key]) for key in wanted)
    return bool(wanted == actual)


def exclusion(entry: Mapping[str, Any], resolved: Mapping[str, Any]) -> bool | dict[str, Any]:
    """Decide what one ``exclude`` entry means for one resolved job.

    Returns:
        True: the job is excluded. False: the entry does not touch it. A mapping: the job runs, but
        not on phones with these demands (``phones.profile: x`` excluded where the scenario itself
        leaves the profile open).
    """
    avoid: dict[str, Any] = {}
    for path, wanted in entry.items():
        actual = get_path(resolved, path)
        if actual is MISSING and path.startswith("phones."):
            avoid[path.removeprefix("phones.")] = wanted
        elif actual is MISSING or not same_value(wanted, actual):
            return False
    return avoid or True
