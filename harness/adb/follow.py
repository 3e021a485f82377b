"""Following an append-only file on a phone: no byte lost, none twice, whatever the cable does.

One ``tail -f`` on the phone waits for what is appended, so an idle file costs next to nothing. The
offset counts what was handed out; after a lost cable the next ``tail`` begins there. A file that
grows every second may be gathered on the phone for some seconds: each message costs the adb server
and this host more than the bytes in it.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.adb.errors import AdbError, DeviceLost
from harness.adb.phone import Phone
from harness.adb.shell import ShellStream, quote

log = logging.getLogger(__name__)

_CHECK_S = 15.0
_LOST_TIMEOUT_S = 300.0
_TICK_S = 0.5
_FIRST_S = (0.2, 0.3, 0.5, 0.5, 1, 1)
"""Pauses of a stream that has just begun: a beginning is waited for."""


@dataclass(frozen=True)
class LinkLoss:
    """A time without a link.

    Attributes:
        offset: Bytes that had arrived before.
        seconds: How long it lasted.
        reason: What broke it.
    """

    offset: int
    seconds: float
    reason: str


class FileFollower:
    """Yields what is appended to a file, from an offset on.

    Use it as a context, from one thread; `stop` may be called from any. A file that is not there
    yet is waited for. It must only grow: a file that was replaced is not noticed.

    Args:
        phone: Whose file.
        path: Full path there.
        offset: First byte wanted, from 0.
        check_s: After so long without a byte the phone is asked how large the file is, since a dead
            link may look like an idle one.
        lost_timeout_s: How long a lost phone is waited for.
        gather_s: What is appended is sent in pieces of so many seconds; 0 = at once.
        clock: Monotonic clock, s.

    Attributes:
        offset: The next byte wanted; all before was handed out.
        losses: Times without a link.
    """

    def __init__(
        self,
        phone: Phone,
        path: str,
        offset: int = 0,
        *,
        check_s: float = _CHECK_S,
        lost_timeout_s: float = _LOST_TIMEOUT_S,
        gather_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._phone = phone
        self._path = path
        self.offset = offset
        self.losses: list[LinkLoss] = []
        self._check_s = check_s
        self._lost_timeout_s = lost_timeout_s
        self._gather_s = gather_s
        self._opened_gather_s = gather_s
        self._clock = clock
        self._stopped = threading.Event()
        self._stream: ShellStream | None = None
        self._context: contextlib.ExitStack | None = None
        self._last_byte = clock()
        self._suspected = False

    def __enter__(self) -> FileFollower:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._hang_up()

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """End the following; `read` returns at once. Idempotent, from any thread."""
        self._stopped.set()
        stream = self._stream
        if stream is not None:
            stream.close()

    def hurry(self) -> None:
        """Gather no longer: what is appended is sent at once from now on. From any thread."""
        self._gather_s = 0.0
        stream = self._stream
        if stream is not None and self._opened_gather_s > 0:
            stream.close()

    def __iter__(self) -> Iterator[bytes]:
        while not self.stopped:
            data = self.read()
            if data:
                yield data

    def read(self, timeout_s: float = _TICK_S) -> bytes:
        """Return bytes that were appended, waiting for some.

        Returns:
            Empty when none came in time or it was stopped.

        Raises:
            DeviceLost: The phone did not come back in time. `read` may be called again later.
        """
        if self.stopped:
            return b""
        try:
            stream = self._stream or self._open()
            data = stream.read(timeout_s)
            if data:
                self.offset += len(data)
                self._last_byte = self._clock()
                self._suspected = False
            elif stream.ended and self._opened_gather_s > self._gather_s:
                self._hang_up()  # `hurry` closed it
            elif stream.ended and not self.stopped:
                self._ended(stream)
            elif self._clock() - self._last_byte > self._check_s:
                self._check()
        except DeviceLost as error:
            if not self.stopped:
                self._wait(error)
            return b""
        return data

    def drain(self, quiet_s: float = 0.5, limit_s: float = 30.0) -> bytes:
        """Return all that is in the file by now: read until as much has come as the file holds.

        For the end of an attempt, when its writer has ended.

        Raises:
            DeviceLost: As `read`.
        """
        end = self._clock() + limit_s
        content = bytearray()
        while not self.stopped and self._clock() < end:
            entry = self._phone.stat(self._path)
            if entry is None or entry.size <= self.offset & 0xFFFFFFFF:
                break
            content += self.read(quiet_s)
        return bytes(content)

    def _open(self) -> ShellStream:
        path = quote(self._path)
        # one `sh` and then one `tail`; toybox and coreutils count `-c +N` from 1
        command = f"while [ ! -e {path} ]; do sleep 0.2; done; "
        gather_s = self._gather_s
        if gather_s > 0:
            # all of them read one open file, each from where the one before ended
            command += (
                f"exec 3< {path} && tail -c +{self.offset + 1} <&3; "
                f"for s in {' '.join(map(str, _FIRST_S))}; do sleep $s; cat <&3; done; "
                f"while sleep {gather_s:g}; do cat <&3; done"
            )
        else:
            command += f"exec tail -c +{self.offset + 1} -f {path}"
        self._opened_gather_s = gather_s
        self._hang_up()
        context = contextlib.ExitStack()
        self._stream = context.enter_context(self._phone.stream(command))
        self._context = context
        self._last_byte = self._clock()
        if self.stopped or self._gather_s != gather_s:
            self._stream.close()  # stop() or hurry() came while there was no stream to close yet
        return self._stream

    def _hang_up(self) -> None:
        context, self._context, self._stream = self._context, None, None
        if context is not None:
            with contextlib.suppress(AdbError):
                context.close()

    def _ended(self, stream: ShellStream) -> None:
        said = bytes(stream.stderr).decode("utf-8", "replace").strip()
        code = stream.code
        self._hang_up()
        if code == 0 or not said:  # killed on the phone, for example to free memory: begin again
            raise DeviceLost(f"tail ended with code {code}", serial=self._phone.serial)
        raise DeviceLost(f"tail ended with code {code}: {said}", serial=self._phone.serial)

    def _check(self) -> None:
        """Tell a dead link from an idle file."""
        size = self._phone.shell(f"wc -c < {quote(self._path)} 2>/dev/null", 10.0).stdout.strip()
        grown = size.isdigit() and int(size) > self.offset
        if grown and (self._suspected or self._opened_gather_s == 0):
            raise DeviceLost(
                "the stream stands still though the file grew", serial=self._phone.serial
            )
        self._suspected = grown  # what is being gathered has to come before the next look
        self._last_byte = self._clock()

    def _wait(self, error: DeviceLost) -> None:
        """Wait for a lost phone; what it has written meanwhile comes with the next `read`."""
        began = self._clock()
        self._hang_up()
        log.info("%s: following %s: %s", self._phone.serial, self._path, error.detail)
        end = began + self._lost_timeout_s
        pause_s = 0.1
        while not self.stopped:
            try:
                # short waits, so that `stop` is heard; what was waited before is not forgotten
                self._phone.wait_online(min(2.0, max(0.1, end - self._clock())), pause_s)
            except DeviceLost:  # also one that asks for its key again, as after a new enumeration
                if self._clock() >= end:
                    raise
                pause_s = 2.0
                continue
            break
        self.losses.append(LinkLoss(self.offset, self._clock() - began, error.detail))
