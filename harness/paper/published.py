"""What the paper measured, as printed: ``measured`` in ``reports/published/mobileasr.yaml``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from harness.memory.published import Published
from harness.memory.sizes import Part

ValueClass = Literal["trend", "not_comparable"]
Expected = Literal["rises", "falls"]
Statistic = Literal["median", "least"]


class Column(Part):
    """One figure of a table."""

    key: str
    label: str
    digits: int
    value_class: ValueClass = Field(alias="class")


class Row(Part):
    """One line of a table."""

    name: str
    where: dict[str, Any] = Field(default_factory=dict)
    """Dotted scenario path -> value: which jobs it is about."""
    profile: str | None = None
    printed: dict[str, str] = Field(default_factory=dict)
    """Column's key -> as on the page."""


class Trend(Part):
    """What must hold: over the rows in their order a figure rises or falls."""

    says: str
    metric: str
    expected: Expected
    rows: tuple[str, ...]
    by: Statistic = "median"
    """What of the repeats counts. Time: the least, since other work only ever adds to it."""


class Measured(Part):
    """One table or figure."""

    at: str
    what: str
    columns: tuple[Column, ...] = ()
    rows: tuple[Row, ...] = ()
    trends: tuple[Trend, ...] = ()
    notes: tuple[str, ...] = ()


def measured_of(published: Published, key: str) -> Measured:
    """Return what the page says of ``table2``, ``figure3``, ...

    Raises:
        KeyError: Nothing.
        pydantic.ValidationError: The file is not as it should be.
    """
    return Measured.model_validate(published.measured[key])
