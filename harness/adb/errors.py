"""What can go wrong between the host and a phone: one class for each thing handled differently.

Every error names the phone, the command, and what came back.
"""

# ruff: noqa: N818 - the names are those of the design: what happened, not that it is an error

from __future__ import annotations

from harness.errors import HarnessError

_SHOWN_OUTPUT = 2000
_SHOWN_COMMAND = 100


def _shown(output: str) -> str:
    text = output.strip()
    return text if len(text) <= _SHOWN_OUTPUT else f"... {text[-_SHOWN_OUTPUT:]}"


def command_shown(command: str) -> str:
    """Return a command as messages name it: its first line, cut short; never a whole script."""
    lines = [line for line in command.strip().splitlines() if line.strip()] or [""]
    first = " ".join(lines[0].split())
    cut = len(first) > _SHOWN_COMMAND
    return (first[:_SHOWN_COMMAND].rstrip() if cut else first) + (
        " ..." if cut or len(lines) > 1 else ""
    )


class AdbError(HarnessError):
    """Base of what this package raises.

    Args:
        message: What happened, and what to do where that is known.
        serial: The phone as the adb server calls it; empty for the server itself.
        command: What was asked of it.
    """

    def __init__(self, message: str, *, serial: str = "", command: str = "") -> None:
        self.serial = serial
        self.command = command
        self.detail = message
        where = f"{serial}: " if serial else ""
        super().__init__(f"{where}{message}")


class ServerUnavailable(AdbError):
    """The adb server does not answer or could not be started."""


class DeviceLost(AdbError):
    """The phone is not there (any more): cable, Wi-Fi, reboot, or it never was."""


class ServerLost(DeviceLost, ServerUnavailable):
    """The phone cannot be reached since its adb server is away: another tool restarts it."""


class DeviceUnauthorized(DeviceLost):
    """The phone is there but has not accepted this host's key."""


class CommandFailed(AdbError):
    """A command ended with an exit code that was not 0."""

    def __init__(
        self, *, serial: str, command: str, code: int, stdout: str = "", stderr: str = ""
    ) -> None:
        self.code = code
        self.stdout = stdout
        self.stderr = stderr
        output = _shown(stderr) or _shown(stdout) or "it printed nothing"
        super().__init__(
            f"exit code {code} of {command_shown(command)!r}: {output}",
            serial=serial,
            command=command,
        )


class CommandTimedOut(AdbError):
    """A call did not end within its whole time limit."""

    def __init__(self, *, serial: str, command: str, timeout_s: float, stdout: str = "") -> None:
        self.timeout_s = timeout_s
        self.stdout = stdout
        output = f"; so far it printed: {_shown(stdout)}" if stdout else ""
        super().__init__(
            f"no end within {timeout_s:g} s of {command_shown(command)!r}{output}",
            serial=serial,
            command=command,
        )


class TransferFailed(AdbError):
    """A file could not be moved to or from the phone.

    Args:
        path: The file on the phone.
        reason: What the phone said.
        serial: The phone.
    """

    def __init__(self, path: str, reason: str, *, serial: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path}: {reason}", serial=serial, command=f"transfer {path}")


class FileMissing(TransferFailed):
    """The file to be read is not on the phone."""


class DiskFull(TransferFailed):
    """The phone has not enough room.

    Args:
        needed_bytes: What was still to be written.
        free_bytes: What the phone says is free (None: it did not say).
    """

    def __init__(
        self, path: str, *, needed_bytes: int, free_bytes: int | None, serial: str, reason: str = ""
    ) -> None:
        self.needed_bytes = needed_bytes
        self.free_bytes = free_bytes
        free = "an unknown number of" if free_bytes is None else f"{free_bytes:,}"
        said = f" ({reason})" if reason else ""
        super().__init__(
            path,
            f"needs {needed_bytes:,} bytes, {free} bytes are free{said}; "
            "free some storage on the phone",
            serial=serial,
        )


class InstallFailed(AdbError):
    """The package manager refused.

    Args:
        what: The APK or the package.
        code: ``INSTALL_FAILED_...`` or ``DELETE_FAILED_...``; empty if it gave none.
        message: All it said.
        advice: What to do.
        serial: The phone.
    """

    def __init__(
        self, what: str, *, code: str, message: str, advice: str = "", serial: str = ""
    ) -> None:
        self.code = code
        self.message = message
        self.advice = advice
        hint = f"\n  {advice}" if advice else ""
        super().__init__(f"{what}: {_shown(message)}{hint}", serial=serial, command=f"pm {what}")
