"""Protocol Buffers on the wire, as Android's ``dumpsys ... --proto`` prints them.

A message is fields one after the other: a varint of number and wire type, then a varint, 8 bytes, a
length with so many bytes, or 4 bytes (source: protobuf's "Encoding" page). Android's encoder leaves
out every number that is 0, false or empty (source: AOSP ``android.util.proto.ProtoOutputStream``,
``writeInt32Impl`` and its like), so a missing number means zero or "never written": `Message` tells
the two apart by what was written after it.
"""

from __future__ import annotations

from harness.readings.errors import ReadingError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MOST_FIELDS = 200_000


class Message:
    """The fields of one message, in no order; unknown ones do no harm.

    Args:
        kind: The reading, for errors.
        data: The message.
        whole: It is whole for sure, since its length stood before it: what is missing is zero.

    Raises:
        ReadingError: Not a message.
    """

    def __init__(self, kind: str, data: bytes, *, whole: bool = False) -> None:
        self._kind = kind
        self._whole = whole
        self.fields: dict[int, list[int | bytes]] = {}
        at = count = 0
        while at < len(data):
            tag, at = _varint(kind, data, at)
            number, wire = tag >> 3, tag & 7
            value: int | bytes
            if wire == _VARINT:
                value, at = _varint(kind, data, at)
            elif wire == _BYTES:
                size, at = _varint(kind, data, at)
                value, at = data[at : at + size], at + size
            elif wire in (_FIXED64, _FIXED32):
                size = 8 if wire == _FIXED64 else 4
                value, at = data[at : at + size], at + size
            else:
                raise ReadingError(kind, f"wire type {wire} is none of Android's", repr(data[:60]))
            count += 1
            if at > len(data) or not 0 < number < 1 << 29 or count > _MOST_FIELDS:
                raise ReadingError(kind, "the message is cut short or damaged", repr(data[:60]))
            self.fields.setdefault(number, []).append(value)

    def integer(self, number: int) -> int | None:
        """Return a signed number; None where the field is missing or of another type."""
        values = self.fields.get(number)
        if not values or not isinstance(values[-1], int):
            return None
        value = values[-1] & (1 << 64) - 1
        return value - (1 << 64) if value >> 63 else value

    def number(self, number: int, *later: int) -> int | None:
        """Return a signed number; zero where it was left out for being zero.

        Args:
            number: The field.
            later: Fields that are written after it: with one of them there, it was left out.
        """
        value = self.integer(number)
        if value is None and (self._whole or any(field in self.fields for field in later)):
            return None if number in self.fields else 0
        return value

    def text(self, number: int) -> str | None:
        """Return a text; None where the field is missing or empty."""
        values = self.fields.get(number)
        if not values or not isinstance(values[-1], bytes):
            return None
        return values[-1].decode("utf-8", "replace") or None

    def messages(self, number: int) -> list[Message]:
        """Return messages within this one.

        Raises:
            ReadingError: One of them is not a message.
        """
        found = self.fields.get(number, ())
        return [Message(self._kind, data, whole=True) for data in found if isinstance(data, bytes)]

    def message(self, number: int) -> Message | None:
        """Return a message within this one, the last if there are several; None if missing."""
        found = self.messages(number)
        return found[-1] if found else None


def _varint(kind: str, data: bytes, at: int) -> tuple[int, int]:
    """Return a number of at most 64 bits and where the next thing begins."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ReadingError(kind, "the message is cut short or damaged", repr(data[:60]))
