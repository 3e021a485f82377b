"""Entries of the log as ``logcat -B`` prints them (pure).

Source: AOSP ``liblog/include/log/log_read.h`` (``struct logger_entry``), ``log_event_list.h``.
"""

from __future__ import annotations

import struct

from harness.virtual.system.logs import Entry

_HEAD = struct.Struct("<HHiIIIII")
"""Bytes after the head, bytes of the head, pid, tid, seconds, nanoseconds, buffer, user."""
_BUFFER_IDS = {"main": 0, "radio": 1, "events": 2, "system": 3, "crash": 4}
_PRIORITIES = {"V": 2, "D": 3, "I": 4, "W": 5, "E": 6, "F": 7, "S": 8}
# Source: AOSP ``com/android/server/am/EventLogTags.logtags``, ``lmkd/event.logtags``.
_TAGS = {
    "am_kill": 30023,
    "am_low_memory": 30017,
    "am_proc_died": 30011,
    "am_proc_start": 30014,
    "boot_progress_enable_screen": 3050,
    "killinfo": 10195355,
}
_UNKNOWN_TAG = 0
_INT, _LONG, _STRING, _LIST = 0, 1, 2, 3
_INT_MAX = 0x7FFFFFFF
_MOST_PAYLOAD = 4068


def pack_entry(entry: Entry) -> bytes:
    """Return an entry with its head, little-endian as on all phones."""
    payload = _event(entry) if entry.values is not None else _text(entry)
    seconds = int(entry.when)
    nanoseconds = int((entry.when - seconds) * 1e9)
    return (
        _HEAD.pack(
            len(payload),
            _HEAD.size,
            entry.pid,
            entry.tid,
            seconds,
            nanoseconds,
            _BUFFER_IDS[entry.buffer],
            entry.uid,
        )
        + payload
    )


def _text(entry: Entry) -> bytes:
    tag = entry.tag.encode("utf-8", "surrogateescape")
    message = entry.message.encode("utf-8", "surrogateescape")
    head = bytes([_PRIORITIES[entry.priority]]) + tag + b"\0"
    return head + message[: _MOST_PAYLOAD - len(head) - 1] + b"\0"


def _event(entry: Entry) -> bytes:
    values = entry.values or ()
    tag = struct.pack("<I", _TAGS.get(entry.tag, _UNKNOWN_TAG))
    if len(values) == 1:
        return tag + _value(values[0])
    return tag + bytes([_LIST, len(values)]) + b"".join(map(_value, values))


def _value(value: object) -> bytes:
    if isinstance(value, int):
        if -_INT_MAX - 1 <= value <= _INT_MAX:
            return struct.pack("<Bi", _INT, value)
        return struct.pack("<Bq", _LONG, value)
    text = str(value).encode("utf-8", "surrogateescape")
    return struct.pack("<BI", _STRING, len(text)) + text
