"""What the paper measured, as printed: ``measured`` in ``reports/published/mobileasr.yaml``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from harness.memory.published import Published
from harness.memory.sizes import Part

ValueClass = Literal["trend", "not_comparable"]


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


class Note(Part):
    """A footnote, and at which cells it stands; at the table's title if at none."""

    text: str
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


class Measured(Part):
    """One table or figure."""

    at: str
    what: str
    columns: tuple[Column, ...] = ()
    rows: tuple[Row, ...] = ()
    notes: tuple[Note, ...] = ()

    @field_validator("notes", mode="before")
    @classmethod
    def _of_the_whole(cls, notes: Any) -> Any:
        return [{"text": note} if isinstance(note, str) else note for note in notes]


def measured_of(published: Published, key: str) -> Measured:
    """Return what the page says of ``table2``, ``figure3``, ...

    Raises:
        KeyError: Nothing.
        pydantic.ValidationError: The file is not as it should be.
    """
    return Measured.model_validate(published.measured[key])
