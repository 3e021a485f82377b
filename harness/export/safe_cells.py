"""Text for tables that other programs open: no cell is a formula (pure).

A spreadsheet runs a text that begins with one of these characters, and names of speakers, accents
and phones come from outside. A quote before it makes it text again. Source: OWASP, "CSV Injection".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
from pandas.api.types import is_numeric_dtype

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(value: Any) -> Any:
    """Return a text that no spreadsheet runs; what is no text stays as it is."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


def safe_row(cells: Sequence[Any]) -> list[Any]:
    """Return a row with all its texts made safe."""
    return [safe_cell(cell) for cell in cells]


def safe_mapping(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters or tags with all their texts made safe."""
    return {name: safe_cell(value) for name, value in values.items()}


def csv_text(frame: pd.DataFrame) -> str:
    """Return a frame as CSV; texts and column names are safe, numbers are untouched."""
    columns = (frame.iloc[:, number] for number in range(frame.shape[1]))
    safe = pd.DataFrame(
        {
            number: column if is_numeric_dtype(column) else column.map(safe_cell)
            for number, column in enumerate(columns)
        },
        index=frame.index,
    )
    safe.columns = pd.Index(safe_row(list(frame.columns)))
    return safe.to_csv(index=False, lineterminator="\n")
