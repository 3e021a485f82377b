"""What to write instead, for values that are often written wrong in a scenario (pure)."""

from __future__ import annotations

import re
from typing import Any, Final

_SIZE: Final = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?)i?B?\s*", re.IGNORECASE)
_MIB_OF: Final = {"K": 1 / 1024, "M": 1.0, "": 1.0, "G": 1024.0, "T": 1024.0**2}
_NAMES: Final = frozenset(("data.corpus", "data.speaker", "model.name", "model.size"))
"""Fields whose values are names in lower case."""
_ONE_VALUE: Final = frozenset(("string_type", "int_type", "float_type", "bool_type"))


def value_hint(kind: str, value: Any, path: str) -> tuple[str, str] | None:
    """Return what is wrong with a value and what to write, where that is known.

    Args:
        kind: Pydantic's type of the error.
        value: What was written.
        path: The dotted path of its field.
    """
    if kind in _ONE_VALUE and isinstance(value, list):
        values = ", ".join(map(str, value))
        return (
            "one value is meant here, not a list",
            f"To run a job for each: matrix: {{{path}: [{values}]}}.",
        )
    if kind == "float_type" and isinstance(value, str):
        return _number(value, path)
    if kind == "string_pattern_mismatch" and path in _NAMES and isinstance(value, str):
        name = re.sub(r"[^a-z0-9._-]+", "-", value.lower()).strip("-._")
        rule = "A name has lower case letters, digits, dot, dash and underscore."
        return f"{value!r} is not a name", f"Write {name}. {rule}" if name else rule
    return None


def _number(value: str, path: str) -> tuple[str, str]:
    what = f"a number is meant here, not the word {value!r}"
    size = _SIZE.fullmatch(value)
    if not path.endswith("_mb") or size is None:
        return what, "Write it without quotes and without a unit."
    mib = float(size[1]) * _MIB_OF[size[2].upper()]
    return what, f"Sizes are MiB, without a unit: write {mib:.0f}."
