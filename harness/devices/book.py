"""What a lab has written down of its phones: names, tags, which are out of service.

``phones.yaml``, by serial number as ``harness devices`` shows it::

    phones:
      R58M123ABC: {alias: shelf-2-left, tags: [lab-2, new]}
      "0123456789": {out_of_service: the battery is swollen}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from harness.devices.inventory import PhoneInfo
from harness.errors import InputError
from harness.yamlio import LineIndex, load_yaml, validate

DEFAULT_PATH: Final = Path("phones.yaml")
"""Looked for in the current folder where no other file is named."""
OUT_OF_SERVICE: Final = "out of service"

Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=60)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


class Entry(BaseModel):
    """What is written of one phone."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    alias: Word | None = None
    """What people call it; ``phones: {serial: ...}`` of a scenario knows it too."""
    tags: Annotated[tuple[Word, ...], BeforeValidator(_tuple)] = ()
    """Beside those of its property."""
    note: Text | None = None
    """For people."""
    out_of_service: Text | None = None
    """Why nothing runs on it."""


class PhoneBook(BaseModel):
    """A lab's phones."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    phones: dict[str, Entry] = Field(default_factory=dict)
    """By serial number, or by what the adb server calls it."""

    def applied(self, infos: Sequence[PhoneInfo]) -> list[PhoneInfo]:
        """Return the phones with what is written of them; one out of service is not usable."""
        return [self._applied(info) for info in infos]

    def absent(self, infos: Sequence[PhoneInfo]) -> dict[str, Entry]:
        """Return what is written of phones that are not among these and should be."""
        here = {name for info in infos for name in _names(info)}
        return {
            serial: entry
            for serial, entry in self.phones.items()
            if serial not in here and not entry.out_of_service
        }

    def _applied(self, info: PhoneInfo) -> PhoneInfo:
        entry = next((self.phones[name] for name in _names(info) if name in self.phones), None)
        if entry is None:
            return info
        new = [tag for tag in entry.tags if tag not in info.tags]
        changes = {"alias": entry.alias or "", "note": entry.note or ""}
        if entry.out_of_service:
            changes |= {"state": OUT_OF_SERVICE, "advice": entry.out_of_service}
        return info.model_copy(update={**changes, "tags": (*info.tags, *new)})


def _names(info: PhoneInfo) -> tuple[str, ...]:
    """Return what a phone may be called in the file, its serial number first."""
    return (info.serial, info.adb_serial, *info.also)


NOTHING_WRITTEN: Final = PhoneBook()


def read_book(path: Path | None = None) -> PhoneBook:
    """Read what is written of phones.

    Args:
        path: The file; None for `DEFAULT_PATH`, which need not be there.

    Raises:
        InputError: No such file, or something in it is wrong, with its line.
    """
    if path is None:
        if not DEFAULT_PATH.is_file():
            return NOTHING_WRITTEN
        path = DEFAULT_PATH
    data, index = load_yaml(path)
    _check_serials(data, index)
    book = validate(PhoneBook, data, index)
    _check_aliases(book, index)
    return book


def _check_serials(data: object, index: LineIndex) -> None:
    phones = data.get("phones") if isinstance(data, Mapping) else None
    written = [at for at in index.lines if len(at) == 2 and at[0] == "phones"]
    for serial, at in zip(phones if isinstance(phones, Mapping) else (), written, strict=False):
        if not isinstance(serial, str):
            raise InputError(
                "this serial number reads as something else than text",
                where=index.where(at),
                hint=f'Put it in quotes: "{at[1]}"',
            )


def _check_aliases(book: PhoneBook, index: LineIndex) -> None:
    """Refuse a name that means two phones."""
    names: set[str] = set()
    for serial, entry in book.phones.items():
        if entry.alias is None:
            continue
        if entry.alias in names or entry.alias in book.phones:
            raise InputError(
                f"{entry.alias!r} is the name of another phone too",
                where=index.where(("phones", serial, "alias")),
            )
        names.add(entry.alias)
