"""What pressure needs of a phone (``harness.adb.Phone`` has it), and the one reading it takes."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Protocol

from harness.pressure.control import Reading
from harness.pressure.errors import PressureError
from harness.readings import ReadingError, parse_proc_meminfo, parse_proc_pid_statm

_MARK = "#process "


class Answer(Protocol):
    """What a command gave."""

    @property
    def stdout(self) -> str:
        """Standard output."""
        ...

    @property
    def stderr(self) -> str:
        """Standard error."""
        ...

    @property
    def code(self) -> int:
        """Exit code."""
        ...


class PressurePhone(Protocol):
    """A phone that runs shell commands."""

    def shell(self, command: str, *, timeout_s: float = ...) -> Answer:
        """Run a command; its exit code is the caller's business."""
        ...


def reading_command(package: str, services: int, proc_dir: str) -> str:
    """Return one command that prints all that a reading needs: one round trip a second."""
    names = " ".join(
        shlex.quote(name)
        for name in (package, *(f"{package}:ballast{k}" for k in range(1, services + 1)))
    )
    return (
        f"cat /proc/uptime {shlex.quote(proc_dir)}/meminfo; "
        f'for p in $(pidof {names}); do echo "{_MARK}$p"; '
        "cat /proc/$p/cmdline; echo; cat /proc/$p/statm; done 2>/dev/null; true"
    )


def parse_reading(text: str, package: str, page_kb: int) -> Reading:
    """Read what ``reading_command`` printed (pure).

    Raises:
        PressureError: No uptime or no MemAvailable.
    """
    system, *processes = text.replace("\r\n", "\n").split(_MARK)
    first, _, meminfo = system.partition("\n")
    try:
        t_ms = round(float(first.split()[0]) * 1000)
        available_kb = parse_proc_meminfo(meminfo).available_kb
    except (ReadingError, ValueError, IndexError, OverflowError) as error:
        raise PressureError(f"the phone's memory cannot be read: {text[:120]!r}") from error
    if available_kb is None:
        raise PressureError("the phone does not tell MemAvailable (kernel before 3.14)")
    alive: dict[int, int] = {}
    trainer_mb, trainer_pid = 0.0, None
    for block in processes:
        pid_text, _, rest = block.partition("\n")
        cmdline, _, statm = rest.partition("\n")
        name = cmdline.split("\0")[0].strip()
        pid = int(pid_text) if pid_text.strip().isdecimal() else None
        try:
            pages = parse_proc_pid_statm(statm)
        except ReadingError:
            continue  # it ended between two reads
        if pid is None or pages.size == 0:
            continue
        if name == package:
            trainer_mb += (pages.resident - pages.shared) * page_kb / 1024
            trainer_pid = pid
        elif name.startswith(f"{package}:ballast") and name[-1].isdecimal():
            alive[int(name[-1])] = pid
    return Reading(
        t_ms=t_ms,
        available_mb=available_kb / 1024,
        trainer_mb=max(0.0, trainer_mb),
        alive=alive,
        trainer_pid=trainer_pid,
    )


def phone_reader(
    phone: PressurePhone, package: str, services: int, proc_dir: str, timeout_s: float
) -> Callable[[], Reading]:
    """Return a function that takes one reading of the phone.

    It raises `PressureError` for nonsense and whatever the phone raises when it is lost.
    """
    page = phone.shell("getconf PAGESIZE 2>/dev/null", timeout_s=timeout_s).stdout.strip()
    page_kb = int(page) // 1024 if page.isdecimal() and int(page) >= 1024 else 4
    command = reading_command(package, services, proc_dir)

    def read() -> Reading:
        return parse_reading(phone.shell(command, timeout_s=timeout_s).stdout, package, page_kb)

    return read
