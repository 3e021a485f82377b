"""What is known of a million recordings, on disk rather than in memory.

A spool is an SQLite database without a name: the system removes its file when it is closed, and
when its process is killed. It lies where SQLite keeps temporary files (``SQLITE_TMPDIR``,
``TMPDIR``, else ``/var/tmp``).
"""

from __future__ import annotations

import pickle
import sqlite3
import weakref
from collections.abc import Collection, Container, Iterable, Iterator
from typing import Any, Final, Generic, TypeVar

from harness.errors import InputError

_CACHE_KIB: Final = 4096
_TABLES: Final = (
    "CREATE TABLE lists (owner INTEGER, number INTEGER, item BLOB, PRIMARY KEY (owner, number)) "
    "WITHOUT ROWID",
    "CREATE TABLE sets (owner INTEGER, text BLOB, PRIMARY KEY (owner, text)) WITHOUT ROWID",
)

_Item = TypeVar("_Item")


class Spool:
    """Tables on disk that are gone with the process.

    What `sqlite3` raises becomes an `InputError`: the disk is full, or there is no folder to write
    to.
    """

    def __init__(self) -> None:
        # no thread but the importing one uses it; any may collect it
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._database.close)
        for setting in (f"cache_size=-{_CACHE_KIB}", "journal_mode=OFF", "temp_store=FILE"):
            self.run(f"PRAGMA {setting}")
        self.run("BEGIN")  # never ended: nothing is to outlive the process
        for table in _TABLES:
            self.run(table)
        self._owners = 0

    def run(self, statement: str, *values: object) -> None:
        """Run a statement that answers nothing.

        Raises:
            InputError: There is no room for it.
        """
        try:
            self._database.execute(statement, values)
        except sqlite3.Error as error:
            raise _no_room(error) from error

    def rows(self, query: str, *values: object) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of an answer, as they are asked for.

        Raises:
            InputError: There is no room to sort them.
        """
        try:
            yield from self._database.execute(query, values)
        except sqlite3.Error as error:
            raise _no_room(error) from error

    def row(self, query: str, *values: object) -> tuple[Any, ...] | None:
        """Return the first row of an answer; None if there is none."""
        return next(self.rows(query, *values), None)

    def count(self, query: str, *values: object) -> int:
        """Return the number that a query answers."""
        row = self.row(query, *values)
        return 0 if row is None else int(row[0] or 0)

    def new_list(self) -> SpooledList[Any]:
        """Return a new list, which is empty."""
        self._owners += 1
        return SpooledList(self, self._owners)

    def new_set(self) -> SpooledSet:
        """Return a new set of texts, which is empty."""
        self._owners += 1
        return SpooledSet(self, self._owners)


class SpooledList(Collection[_Item], Generic[_Item]):
    """Objects in the order in which they were added; each iteration reads them again."""

    def __init__(self, spool: Spool, owner: int) -> None:
        self._spool = spool
        self._owner = owner
        self._length = 0

    def append(self, item: _Item) -> None:
        """Add an object that can be pickled."""
        values = (self._owner, self._length, pickle.dumps(item, 5))
        self._spool.run("INSERT INTO lists VALUES (?, ?, ?)", *values)
        self._length += 1

    def extend(self, items: Iterable[_Item]) -> None:
        """Add several."""
        for item in items:
            self.append(item)

    def __iter__(self) -> Iterator[_Item]:
        query = "SELECT item FROM lists WHERE owner = ? ORDER BY number"
        for (item,) in self._spool.rows(query, self._owner):
            yield pickle.loads(item)  # noqa: S301 - a file without a name, written above

    def __len__(self) -> int:
        return self._length

    def __contains__(self, item: object) -> bool:
        return any(own == item for own in self)


class SpooledSet(Container[str]):
    """A set of texts, in the order of their code points."""

    def __init__(self, spool: Spool, owner: int) -> None:
        self._spool = spool
        self._owner = owner

    def add(self, text: str) -> None:
        """Add a text, if it is new."""
        self._spool.run("INSERT OR IGNORE INTO sets VALUES (?, ?)", self._owner, packed(text))

    def __contains__(self, text: object) -> bool:
        query = "SELECT 1 FROM sets WHERE owner = ? AND text = ?"
        return self._spool.row(query, self._owner, packed(str(text))) is not None

    def __iter__(self) -> Iterator[str]:
        query = "SELECT text FROM sets WHERE owner = ? ORDER BY text"
        for (text,) in self._spool.rows(query, self._owner):
            yield unpacked(text)

    def between(self, first: str, end: str) -> Iterator[str]:
        """Yield the texts from ``first`` to before ``end``."""
        query = "SELECT text FROM sets WHERE owner = ? AND text >= ? AND text < ? ORDER BY text"
        for (text,) in self._spool.rows(query, self._owner, packed(first), packed(end)):
            yield unpacked(text)


def packed(text: str) -> bytes:
    """Return any text, names of files that are not UTF-8 too, as a blob that sorts like it."""
    return text.encode("utf-8", "surrogatepass")


def unpacked(blob: bytes) -> str:
    """Return the text of a blob that `packed` made."""
    return blob.decode("utf-8", "surrogatepass")


def _no_room(error: sqlite3.Error) -> InputError:
    return InputError(
        f"what is known of the recordings cannot be kept on disk: {error}",
        hint="Make room in the folder for temporary files, or name another one by TMPDIR.",
    )
