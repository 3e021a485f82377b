"""The newest end of the sampler's file, for a display; the whole is read when it is over (pure).

Reading a frame costs several times what it costs to receive it, and a display wants one number of
it. So the bytes go to disk as they come, and here the last frame is kept unread.
"""

from __future__ import annotations

from harness.readings import ReadingError, parse_proc_meminfo

_MOST = 1 << 20
"""No frame is larger; what has no end in so many bytes is forgotten."""


class Tail:
    """Takes the bytes of the file, in any pieces, and keeps the last frame.

    Args:
        token: Begins each line of the sampler's own; given to it by this host.

    Attributes:
        begun: At least one frame has come.
        stopped: The sampler's last word has come, and no frame after it.
    """

    def __init__(self, token: str) -> None:
        self._mark = b"\n" + token.encode() + b" "
        self._newest = b""
        self._rest = b""
        self._available: tuple[bytes, int | None] = (b"", None)
        self.begun = False
        self.stopped = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the file."""
        rest = self._rest + data
        start = at = 0
        while (at := rest.find(self._mark + b"end ", at)) >= 0:
            end = rest.find(b"\n", at + 1)
            if end < 0:
                break
            self._newest = rest[start : end + 1]
            self.begun = True
            self.stopped = False
            start = at = end  # the line end belongs to the next mark too
        self._rest = rest[start:][-_MOST:]
        if self._line(self._rest, b"stopped "):
            self.stopped = True

    def _line(self, data: bytes, name: bytes) -> bytes:
        """Return a whole line of the sampler's own with its line ends, or nothing."""
        at = data.find(self._mark + name)
        end = data.find(b"\n", at + 1)
        return data[at : end + 1] if 0 <= at < end else b""

    def available_kb(self) -> int | None:
        """Return MemAvailable of the newest frame, without reading the rest of it."""
        if self._available[0] is not self._newest:
            self._available = (self._newest, self._available_in(self._newest))
        return self._available[1]

    def _available_in(self, frame: bytes) -> int | None:
        _, found, rest = frame.partition(self._mark + b"meminfo\n")
        section = rest.partition(self._mark)[0] if found else b""
        for line in section.split(b"\n"):
            if line.startswith(b"MemAvailable"):
                try:
                    return parse_proc_meminfo(line).available_kb
                except ReadingError:
                    break
        return None
