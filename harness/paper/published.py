"""What a paper measured, as printed: typed tables, each column with what may be made of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from harness.memory.published import Published
from harness.memory.sizes import Part
from harness.yamlio import load_yaml, validate

ValueClass = Literal["arithmetic", "trend", "shown", "not_comparable"]


class Column(Part):
    """One figure of a table."""

    key: str
    label: str
    digits: int
    value_class: ValueClass = Field(alias="class")
    source: str = ""
    """Where its printed figures were read, if not where all others were."""


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


class Tables(Part):
    """A system's own file of printed values."""

    version: Literal[1]
    paper: str
    sources: dict[str, str] = Field(default_factory=dict)
    """Mark, such as ``[page]`` -> where that is."""
    measured: dict[str, Measured]


@cache
def load_measured(path: Path) -> Tables:
    """Read a system's own file of printed values, once a process.

    Raises:
        InputError: The file is not as it should be.
    """
    data, index = load_yaml(path)
    return validate(Tables, data, index)
