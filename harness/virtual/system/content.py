"""``content``: what ``content://settings`` holds, as rows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from harness.virtual.system.call import Call
from harness.virtual.system.service import Answers, System
from harness.virtual.system.settings import TABLES, Settings

_COLUMNS = ("_id", "name", "value", "is_preserved_in_restore")
_URI = re.compile(r"content://settings/(\w+)(?:/([\w.]+))?/?")
# Providers that every phone has; they're empty here.
_EMPTY = ("media", "sms", "mms", "call_log", "com.android.contacts", "com.android.calendar",
          "telephony", "icc", "user_dictionary", "downloads")  # fmt: skip
_WHERE = re.compile(r"""\(?\s*(name|value|_id)\s*(?:=|LIKE|like)\s*['"]?(.*?)['"]?\s*\)?""")
_FAILED = 1


@dataclass
class _Asked:
    uri: str = ""
    projection: tuple[str, ...] = ()
    where: str = ""
    bound: dict[str, str] = field(default_factory=dict)


class ContentCommand:
    """The command.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._settings = system.get(Settings)
        self.answers = Answers(commands={"content": self.run})

    def run(self, call: Call) -> int:
        """Carry out ``content query|insert|update|delete``. Source: AOSP ``Content.java``."""
        verb, *rest = call.args
        if verb not in ("query", "insert", "update", "delete", "call", "read", "write", "gettype"):
            call.error(f"[ERROR] Unsupported operation: {verb}")
            return _FAILED
        asked = _parse(rest)
        match = _URI.fullmatch(asked.uri)
        if match is None or match[1] not in TABLES or verb in ("call", "read", "write", "gettype"):
            return self._elsewhere(call, verb, asked)
        table, name = match[1], match[2]
        if verb == "query":
            return self._query(call, asked, table, name)
        named = name or asked.bound.get("name") or _equal(asked.where, "name")
        if named is None:
            call.error(f"[ERROR] {verb} needs a name")
            return _FAILED
        self._settings.put(table, named, None if verb == "delete" else asked.bound.get("value", ""))
        return 0

    @staticmethod
    def _elsewhere(call: Call, verb: str, asked: _Asked) -> int:
        if not asked.uri:
            call.error(
                "[ERROR] Content provider URI not specified. Did you specify --uri argument?"
            )
            return _FAILED
        provider = asked.uri.removeprefix("content://").partition("/")[0]
        if provider in _EMPTY:
            if verb == "query":
                call.print("No result found.")
            return 0
        call.error(f"Error while accessing provider:{provider}\njava.lang.IllegalStateException: "
                   f"Could not find provider: {provider}")  # fmt: skip
        return _FAILED

    def _query(self, call: Call, asked: _Asked, table: str, name: str | None) -> int:
        rows = [
            dict(zip(_COLUMNS, (str(number), key, value, "NULL"), strict=True))
            for number, (key, value) in enumerate(self._settings.table(table), start=1)
        ]
        if name is not None:
            rows = [row for row in rows if row["name"] == name]
        for part in re.split(r"\s+(?:AND|and)\s+", asked.where.strip()) if asked.where else []:
            match = _WHERE.fullmatch(part)
            if match is None:
                call.error("Error while accessing provider:settings\nandroid.database.sqlite."
                           f"SQLiteException: near \"{part}\": syntax error")  # fmt: skip
                return _FAILED
            pattern = re.compile(re.escape(match[2]).replace("%", ".*") if "LIKE" in part.upper()
                                 else re.escape(match[2]))  # fmt: skip
            rows = [row for row in rows if pattern.fullmatch(row[match[1]])]
        columns = asked.projection or _COLUMNS
        unknown = [column for column in columns if column not in _COLUMNS]
        if unknown:
            call.error("Error while accessing provider:settings\n"
                       "java.lang.IllegalArgumentException: Invalid column "
                       f"{unknown[0]}")  # fmt: skip
            return _FAILED
        for number, row in enumerate(rows):
            call.print(f"Row: {number} " + ", ".join(f"{c}={row[c]}" for c in columns))
        if not rows:
            call.print("No result found.")
        return 0


def _parse(args: list[str]) -> _Asked:
    asked = _Asked()
    left = list(args)
    while left:
        option = left.pop(0)
        value = left.pop(0) if left else ""
        if option == "--uri":
            asked.uri = value
        elif option == "--projection":
            asked.projection = tuple(part for part in value.split(":") if part)
        elif option == "--where":
            asked.where = value
        elif option == "--bind":
            key, _, rest = value.partition(":")
            asked.bound[key] = rest.partition(":")[2]
    return asked


def _equal(where: str, column: str) -> str | None:
    """Return what a condition wants a column to be, None if it says nothing of it."""
    match = _WHERE.fullmatch(where.strip())
    return match[2] if match is not None and match[1] == column else None
