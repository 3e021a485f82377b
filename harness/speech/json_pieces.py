"""JSON of what is too much for memory, piece by piece (pure)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator


class Pairs:
    """An object's names and values, as they come.

    Args:
        items: Name and value of each.
    """

    def __init__(self, items: Iterable[tuple[str, object]]) -> None:
        self.items = items


def json_pieces(
    value: object, *, indent: int, ascii_only: bool = True, level: int = 0
) -> Iterator[str]:
    """Yield a document as `json.dumps` writes it.

    Args:
        value: `Pairs` are an object, an iterator is an array; all else is written at once.
        indent: Spaces a level.
        ascii_only: Escape all other characters.
        level: How deep the value lies.
    """
    if isinstance(value, Pairs):
        marks = "{}"
        items = ((f"{json.dumps(name, ensure_ascii=ascii_only)}: ", v) for name, v in value.items)
    elif isinstance(value, Iterator):
        marks = "[]"
        items = (("", item) for item in value)
    else:
        whole = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
        yield whole.replace("\n", "\n" + " " * (indent * level))  # in texts they are escaped
        return
    yield marks[0]
    between, end = "\n", ""
    for name, item in items:
        yield between + " " * (indent * (level + 1)) + name
        yield from json_pieces(item, indent=indent, ascii_only=ascii_only, level=level + 1)
        between, end = ",\n", "\n" + " " * (indent * level)
    yield end + marks[1]
