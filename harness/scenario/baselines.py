"""`baselines:` and the axis `baseline:`: the same training from several models (pure).

``baselines`` names models; ``baseline``, usually an axis of the matrix, says which of them a job
starts from. A job then holds that model as if it had been written as ``model``, so that its id
does not depend on the name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.scenario.hints import written
from harness.scenario.matrix import Matrix, MatrixError
from harness.scenario.paths import suggestion

BASELINE = "baseline"
BASELINES = "baselines"
_MODEL = "model"


def with_baseline(tree: Mapping[str, Any], matrix: Matrix) -> dict[str, Any]:
    """Return a scenario's mapping with the model of its baseline.

    Args:
        tree: The mapping, the matrix's values set.
        matrix: Where they may have been written, for messages.

    Raises:
        MatrixError: There is no baseline of that name, ``model`` says another one besides, or
            baselines are named and no job starts from one.
    """
    named, chosen = tree.get(BASELINES), tree.get(BASELINE)
    copy = dict(tree)
    if chosen is None and not named:
        return copy
    at = ("matrix", BASELINE) if BASELINE in matrix.axes else (BASELINE,)
    if not isinstance(named, Mapping) or not named:
        raise MatrixError(
            at,
            f"there is no baseline {chosen!r}: the scenario names none",
            f"Write {BASELINES}: {{{chosen}: ds2-mini}}.",
        )
    names = ", ".join(map(str, named))
    if chosen is None:
        raise MatrixError(
            (BASELINES,),
            "baselines are named, but no job starts from one",
            f"Write matrix: {{{BASELINE}: [{names}]}}.",
        )
    if not isinstance(chosen, str) or chosen not in named:
        raise MatrixError(
            at,
            f"there is no baseline {written(chosen)}",
            suggestion(str(chosen), map(str, named)) or f"There are {names}.",
        )
    also = [path for path in matrix.axes if path.split(".")[0] == _MODEL]
    if _MODEL in tree or also:
        raise MatrixError(
            ("matrix", also[0]) if also else (_MODEL,),
            "a job starts from its baseline or from a model, not from both",
            f"Make it one of {BASELINES}.",
        )
    copy[_MODEL] = named[chosen]
    return copy
