"""Printed figures and what our arithmetic makes of them: ``reports/published/mobileasr.yaml``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from harness.memory.as_printed import (
    BATCH,
    DEFAULT,
    LOADING_MB,
    PAPER,
    PAPER_NETWORK,
    READINGS,
    TRAINING_GB,
    estimate,
)
from harness.memory.sizes import Part
from harness.paths import data_root
from harness.yamlio import load_yaml, validate

FILE = Path("reports") / "published" / "mobileasr.yaml"

ValueClass = Literal["arithmetic", "not_reached", "given", "trend", "not_comparable"]

_GIB = 1024.0


class Printed(Part):
    """One printed figure."""

    name: str
    printed: str
    """With the digits of the page."""
    unit: str = ""
    key: str | None = None
    """What computes it; None = nothing does."""
    value_class: ValueClass = Field(alias="class")
    note: str | None = None
    batch_size: int | None = None


class Table(Part):
    """Figures that stand together on the page."""

    at: str
    what: str
    rows: tuple[Printed, ...]


class Published(Part):
    """The file."""

    version: Literal[1]
    paper: str
    tables: tuple[Table, ...]
    notes: dict[str, str]
    measured: dict[str, Any] = Field(default_factory=dict)
    """What the paper measured; `harness.paper.published` reads it."""

    def table(self, at: str) -> Table:
        """Return the table that stands ``at`` a place.

        Raises:
            KeyError: There is none.
        """
        return {table.at: table for table in self.tables}[at]


@dataclass(frozen=True)
class Compared:
    """A printed figure beside ours."""

    printed: Printed
    ours: str | None
    """With as many digits; None where nothing computes it."""
    others: tuple[tuple[str, str], ...] = ()
    """What further readings give, by their name."""

    @property
    def equal(self) -> bool:
        """Whether the digits are the same."""
        return self.ours == self.printed.printed


def load_published(path: Path | None = None) -> Published:
    """Read the printed figures.

    Raises:
        InputError: The file is not as it should be.
    """
    data, index = load_yaml(path or data_root() / FILE)
    return validate(Published, data, index)


def digits_like(value: float, printed: str) -> str:
    """Return ``value`` rounded (half up) to the decimals of ``printed``."""
    places = len(printed.partition(".")[2])
    # ten places first: 1.65 + 0.325 is a half, and a float is just beside it
    exact = Decimal(repr(round(value, 10)))
    return str(exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))


def compare(printed: Printed) -> Compared:
    """Compute a printed figure anew.

    Raises:
        KeyError: The file names a computation that there is not.
    """
    if printed.key is None:
        return Compared(printed, None)
    kind, _, of = printed.key.partition(".")
    value = _COMPUTED[kind](of)
    differing = {
        name: digits_like(again, printed.printed)
        for name in READINGS
        if (again := _by_reading(kind, of, name)) is not None
    }
    return Compared(printed, digits_like(value, printed.printed), tuple(differing.items()))


def _layers(sub_model: str) -> tuple[str, ...]:
    return PAPER_NETWORK.sub_model(sub_model).layers


def _parts(of: str) -> int:
    """Return a part's parameters, those of batch normalisation (as many as statistics) left out."""
    chosen = [layer for layer in PAPER.layers if of == "ALL" or layer.name.startswith(of)]
    norm = 0 if of == "ALL" else sum(layer.statistics for layer in chosen)
    return sum(layer.trainable for layer in chosen) - norm


_UNIT = {"CONV": 1e3, "BLSTM": 1e6, "FC": 1e6, "ALL": 1e6}


def _share(of: str) -> float:
    """Return a part's share as the page seems to have it: of rounded counts, CONV by remainder."""
    if of == "CONV":
        return 100 - round(_share("BLSTM"), 2) - round(_share("FC"), 1)
    return 100 * round(_parts(of) / 1e6, 2) / round(_parts("ALL") / 1e6, 2)


def _by_reading(kind: str, of: str, reading: str) -> float | None:
    if kind == "lambda":
        return estimate(PAPER, _layers(of), BATCH, reading).total / _GIB
    if kind == "r_t":
        return estimate(PAPER, _layers("S1"), BATCH, reading).training / _GIB
    return None


def _two_digits(value: float) -> float:
    return round(value, -1)


_COMPUTED: dict[str, Callable[[str], float]] = {
    "millions": lambda of: PAPER.trainable_of(_layers(of)) / 1e6,
    "fraction": lambda of: PAPER.trainable_of(_layers(of)) / PAPER.trainable,
    "part": lambda of: _parts(of) / _UNIT[of],
    "share": _share,
    "n_m": lambda _: PAPER.parameters,
    "n_g": lambda _: PAPER.trainable,
    "statistics": lambda _: PAPER.parameters - PAPER.trainable,
    "loss": lambda _: _two_digits(estimate(PAPER, _layers("S1"), BATCH).loss),
    "lambda": lambda of: estimate(PAPER, _layers(of), BATCH, DEFAULT).total / _GIB,
    "r_t": lambda _: estimate(PAPER, _layers("S1"), BATCH, DEFAULT).training / _GIB,
    "sum": lambda _: TRAINING_GB + LOADING_MB / 1000,
    "about": lambda _: TRAINING_GB + LOADING_MB / 1000,
}
"""What the file's keys mean; what follows the dot goes in."""


def compared(published: Published) -> list[tuple[Table, list[Compared]]]:
    """Return every table with our figures beside the printed ones."""
    return [(table, [compare(row) for row in table.rows]) for table in published.tables]


def as_json(published: Published) -> list[dict[str, Any]]:
    """Return the comparison for scripts."""
    return [
        {
            "at": table.at,
            "what": table.what,
            "rows": [
                {
                    "name": row.printed.name,
                    "printed": row.printed.printed,
                    "unit": row.printed.unit,
                    "ours": row.ours,
                    "class": row.printed.value_class,
                    "readings": dict(row.others),
                    "note": published.notes.get(row.printed.note or ""),
                }
                for row in rows
            ],
        }
        for table, rows in compared(published)
    ]
