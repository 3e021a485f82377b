"""``--set path=value``: a scenario with one field changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import InputError
from harness.scenario.matrix import RESERVED
from harness.scenario.paths import field_paths, is_known, set_path, suggestion
from harness.scenario.schema import Scenario
from harness.yamlio import parse_yaml


def value_from_text(text: str, where: str) -> Any:
    """Read a value given on the command line as YAML would (``3``, ``S5``, ``[1, 2]``, ``1e-5``).

    Raises:
        InputError: Not a YAML value.
    """
    if not text.strip():
        return None
    value, _ = parse_yaml(text, where)
    return value


def override(raw: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Apply one ``--set dotted.path=value`` to a scenario's mapping.

    A path that is an axis of the matrix is taken out of the matrix: the given value counts.

    Raises:
        InputError: Not ``path=value``, or no such field.
    """
    where = f"--set {text}"
    path, equals, value = text.partition("=")
    path = path.strip()
    if not equals or not path:
        raise InputError("an override is path=value", where=where, hint="As in trainer.epochs=3.")
    if not is_known(path, Scenario):
        raise InputError(
            f"unknown path {path!r}", where=where, hint=suggestion(path, field_paths(Scenario))
        )
    try:
        tree = set_path(raw, path, value_from_text(value, where))
    except ValueError as error:
        raise InputError(f"cannot set {path}: {error}", where=where) from error
    matrix = tree.get("matrix")
    if isinstance(matrix, Mapping) and path in matrix and path not in RESERVED:
        tree["matrix"] = {key: inner for key, inner in matrix.items() if key != path}
    return tree
