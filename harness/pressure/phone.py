"""The one reading that pressure takes of a phone."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from harness.adb.phone import Phone
from harness.pressure.control import Reading
from harness.pressure.errors import PressureError
from harness.readings import (
    ReadingError,
    parse_proc_meminfo,
    parse_proc_pid_stat,
    parse_proc_pid_statm,
)

_MARK = "#process "


@dataclass(frozen=True)
class Seen:
    """A process of the package: its pid and start time name it for good."""

    pid: int
    starttime: int | None
    anon_pages: int


def process_names(package: str, services: Iterable[int]) -> dict[int, str]:
    """Return the names to look for: 0 is the trainer, 1 to 8 are ballast services."""
    return {0: package, **{k: f"{package}:ballast{k}" for k in sorted(services)}}


def reading_command(names: Mapping[int, str], known: Mapping[int, Seen], proc_dir: str) -> str:
    """Return one command that prints all that a reading needs: one round trip.

    A process is looked for by name only while its pid is not known, since ``pidof`` walks through
    all processes of the phone.
    """
    parts = [
        f"cat /proc/uptime {shlex.quote(proc_dir)}/meminfo",
        f'p() {{ echo "{_MARK}$1 $2"; cat /proc/$2/stat /proc/$2/statm; }}',
        "f() { for q in $(pidof $2); do p $1 $q; done; }",
    ]
    for number, name in names.items():
        find = f"f {number} {shlex.quote(name)}"
        seen = known.get(number)
        parts.append(
            find
            if seen is None
            else f"if [ -e /proc/{seen.pid}/stat ]; then p {number} {seen.pid}; else {find}; fi"
        )
    return "{ " + "; ".join(parts) + "; } 2>/dev/null; true"


def parse_reading(text: str, page_kb: int) -> tuple[Reading, dict[int, Seen]]:
    """Read what ``reading_command`` printed (pure).

    Returns:
        The reading, and the processes seen by the numbers of ``process_names``.

    Raises:
        PressureError: No uptime or no MemAvailable.
    """
    system, *blocks = text.replace("\r\n", "\n").split(_MARK)
    first, _, meminfo = system.partition("\n")
    try:
        t_ms = round(float(first.split()[0]) * 1000)
        available_kb = parse_proc_meminfo(meminfo).available_kb
    except (ReadingError, ValueError, IndexError, OverflowError) as error:
        raise PressureError(f"the phone's memory cannot be read: {text[:120]!r}") from error
    if available_kb is None:
        raise PressureError("the phone does not tell MemAvailable (kernel before 3.14)")
    seen: dict[int, Seen] = {}
    for block in blocks:
        found = _process(block)
        if found is not None:
            seen.setdefault(*found)
    trainer = seen.get(0)
    reading = Reading(
        t_ms=t_ms,
        available_mb=available_kb / 1024,
        trainer_mb=max(0.0, trainer.anon_pages * page_kb / 1024) if trainer else 0.0,
        alive={number: one.pid for number, one in seen.items() if number},
        trainer_pid=trainer.pid if trainer else None,
    )
    return reading, seen


def _process(block: str) -> tuple[int, Seen] | None:
    """Read one process; None if it ended between two reads, or is a zombie."""
    head, _, rest = block.partition("\n")
    words = head.split()
    # The name in "stat" may hold anything, also line ends; "statm" is the last line.
    stat_text, _, statm_text = rest.rstrip().rpartition("\n")
    if len(words) != 2 or not all(word.isascii() and word.isdecimal() for word in words):
        return None
    try:
        stat, statm = parse_proc_pid_stat(stat_text), parse_proc_pid_statm(statm_text)
    except ReadingError:
        return None
    if stat.pid != int(words[1]) or statm.size == 0:
        return None
    return int(words[0]), Seen(stat.pid, stat.starttime, statm.resident - statm.shared)


class PhoneReader:
    """Takes readings of one phone, and remembers the processes it has found.

    Args:
        phone: The phone.
        package: The trainer's package.
        proc_dir: Where the phone's ``meminfo`` lies.
        timeout_s: Limit of one reading.
    """

    def __init__(self, phone: Phone, package: str, proc_dir: str, timeout_s: float) -> None:
        self._phone = phone
        self._package = package
        self._proc_dir = proc_dir
        self._timeout_s = timeout_s
        self._page_kb = 0
        self._known: dict[int, Seen] = {}

    def __call__(self, services: Iterable[int]) -> Reading:
        """Take a reading.

        Args:
            services: Ballast services to look for.

        Raises:
            PressureError: The phone gives nonsense.
            AdbError: It is lost.
        """
        if not self._page_kb:
            said = self._phone.shell("getconf PAGESIZE 2>/dev/null", timeout_s=self._timeout_s)
            page = said.stdout.strip()
            self._page_kb = int(page) // 1024 if page.isdecimal() and int(page) >= 1024 else 4
        names = process_names(self._package, services)
        command = reading_command(names, self._known, self._proc_dir)
        said = self._phone.shell(command, timeout_s=self._timeout_s)
        reading, seen = parse_reading(said.stdout, self._page_kb)
        stale = {
            number
            for number, one in seen.items()
            if (old := self._known.get(number)) is not None
            and old.pid == one.pid
            and old.starttime != one.starttime
        }
        self._known = {number: one for number, one in seen.items() if number not in stale}
        if not stale:
            return reading
        # The pid went to another process; the next reading looks by name.
        return replace(
            reading,
            trainer_mb=0.0 if 0 in stale else reading.trainer_mb,
            trainer_pid=None if 0 in stale else reading.trainer_pid,
            alive={k: pid for k, pid in reading.alive.items() if k not in stale},
        )
