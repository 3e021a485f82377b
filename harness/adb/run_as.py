"""One phone as one of its apps sees it: what ``run-as`` reaches and adb's own shell does not.

Android lets the shell become a debuggable app (``run-as``), so the app's private folder can be
read, followed and cleaned without root. Files go through ``cat``: adb's file service is the shell.
"""

from __future__ import annotations

import contextlib
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from harness.adb.errors import FileMissing, TransferFailed
from harness.adb.link import DEFAULT_TIMEOUT_S
from harness.adb.phone import Phone
from harness.adb.shell import Command, ShellResult, ShellStream, command_text
from harness.adb.sync import FileStat
from harness.atomic import whole
from harness.results.files import said as stored

_TRANSFER_TIMEOUT_S = 600.0
_STAT = re.compile(r"([0-9a-f]{1,8}) ([0-9]{1,19}) ([0-9]{1,12})")


class RunAsPhone(Phone):
    """A phone whose commands run as an app, in the app's private folder.

    What is not here (pushing, listing folders) goes as the shell, as on any `Phone`.

    Args:
        phone: The phone.
        package: The app; it must be debuggable.
    """

    def __init__(self, phone: Phone, package: str) -> None:
        super().__init__(phone.server, phone.adb_serial, phone.serial)
        self._package = package

    def _as_app(self, command: Command) -> list[str]:
        return ["run-as", self._package, "sh", "-c", command_text(command)]

    def shell(self, command: Command, timeout_s: float = DEFAULT_TIMEOUT_S) -> ShellResult:
        """See `PhoneLink.shell`."""
        return super().shell(self._as_app(command), timeout_s)

    @contextlib.contextmanager
    def stream(
        self, command: Command, start_timeout_s: float = DEFAULT_TIMEOUT_S
    ) -> Iterator[ShellStream]:
        """See `PhoneLink.stream`."""
        with super().stream(self._as_app(command), start_timeout_s) as opened:
            yield opened

    def stat(self, path: str) -> FileStat | None:
        """See `Phone.stat`."""
        answer = self.retried(lambda: self.shell(["stat", "-c", "%f %s %Y", path]))
        match = _STAT.fullmatch(answer.stdout.strip())
        if answer.code != 0 or match is None:
            return None
        return FileStat(path.rsplit("/", 1)[-1], int(match[1], 16), int(match[2]), int(match[3]))

    def pull_file(self, path: str, local: Path, *, timeout_s: float = _TRANSFER_TIMEOUT_S) -> int:
        """See `Phone.pull_file`."""
        there = self.stat(path)
        if there is None:
            raise FileMissing(path, "no such file", serial=self.serial)
        if not stat.S_ISREG(there.mode):
            raise TransferFailed(path, "is no plain file", serial=self.serial)
        with stored(local, "write"), whole(local) as partial:
            size = self.retried(lambda: self._cat(path, partial, timeout_s))
            if size != there.size:
                reason = f"{size:,} of {there.size:,} bytes came"
                raise TransferFailed(path, reason, serial=self.serial)
        return size

    def _cat(self, path: str, partial: Path, timeout_s: float) -> int:
        size, end = 0, self._clock() + timeout_s
        with partial.open("wb") as file, self.stream(["cat", path]) as stream:
            while not stream.ended:
                if self._clock() > end:
                    reason = f"not copied within {timeout_s:g} s"
                    raise TransferFailed(path, reason, serial=self.serial)
                size += file.write(stream.read(1.0))
            if stream.code != 0:
                message = bytes(stream.stderr).decode("utf-8", "replace").strip()
                raise TransferFailed(path, message or "cat failed", serial=self.serial)
        return size
