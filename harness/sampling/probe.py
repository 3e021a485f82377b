"""What a phone lets the sampler read, found out once before it starts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from harness.readings import ReadingError
from harness.readings.declared import Command, KernelFile, SampledReading
from harness.readings.sampled import readings

_LINE = re.compile(r"([a-z0-9_]{1,40})=(.{0,4000})")
_PATH = re.compile(r"/[A-Za-z0-9_./:,@+-]{1,200}")
"""A path that needs no quotes in the loop's list of files."""
_MOST_PROTO_BYTES = 1500
"""A battery message has 60 bytes, the summary of one process 200."""
_SMALL_STAT_BYTES = 4096
"""A /proc/stat up to this size is copied whole; a phone's lists thousands of interrupts."""


class Asked(NamedTuple):
    """A command that a phone answers."""

    command: str
    proto: bool
    """It prints a protobuf message."""


@dataclass(frozen=True)
class Capabilities:
    """What can be sampled on this phone, and how.

    Args:
        meminfo: ``/proc/meminfo`` can be read.
        stat_mode: How ``/proc/stat`` is read: ``cat``, ``line`` (its first) or ``none``.
        commands: Commands that the phone answers, by the name of their reading.
        files: Kernel files that can be read, by the name of their reading.
        pidof: Command that finds a process by name.
        clock_ticks: Clock ticks a second.
        page_kb: Size of a page.
        absent: What cannot be read, in words.
    """

    meminfo: bool
    stat_mode: str
    commands: Mapping[str, Asked]
    files: Mapping[str, str]
    pidof: str
    clock_ticks: int
    page_kb: int
    absent: tuple[str, ...]

    def command(self, name: str) -> str:
        """Return the command of a reading; empty where the phone does not answer it."""
        asked = self.commands.get(name)
        return asked.command if asked else ""


def probe_command(proc_dir: str) -> str:
    """Return one command that tries all readings and prints what answered.

    Protobuf is asked for once and read by the host, as hexadecimal digits: a phone that does not
    know ``--proto`` prints text or a complaint.
    """
    proc = shlex.quote(proc_dir)
    tries = "\n".join(line for reading in readings() for line in _tries(reading))
    return f"""
hex() {{ head -c {_MOST_PROTO_BYTES} | od -An -v -tx1 | tr -d ' \\n'; }}
cat {proc}/meminfo >/dev/null 2>&1 && echo meminfo=1
echo stat_bytes=$(wc -c 2>/dev/null < {proc}/stat)
cat /proc/1/stat >/dev/null 2>&1 && echo other_stat=1
echo clock_ticks=$(getconf CLK_TCK 2>/dev/null)
echo page=$(getconf PAGESIZE 2>/dev/null)
command -v pidof >/dev/null 2>&1 && echo pidof=1
{tries}
true"""


def _tries(reading: SampledReading) -> Iterator[str]:
    """Return the lines that try one reading."""
    if isinstance(reading, KernelFile):
        yield (
            f"for file in {' '.join(reading.paths)}; do "
            f'[ -n "$(cat "$file" 2>/dev/null </dev/null)" ] && '
            f"echo file_{reading.name}=$file && break; done"
        )
    if isinstance(reading, Command):
        if reading.sign:
            answer = f'"$({reading.command} 2>/dev/null </dev/null)"'
            yield f"case {answer} in *{shlex.quote(reading.sign)}*) echo {reading.name}=1;; esac"
        for mark, command in reading.proto_tries.items():
            yield f"echo {mark}=$({command} 2>/dev/null </dev/null | hex)"


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and int(text) > 0 else default


def _is_message(reading: Command, digits: str) -> bool:
    """Whether these hexadecimal digits are a message that can be read."""
    if reading.is_message is None:
        return False
    try:
        reading.is_message(bytes.fromhex(digits))
    except (ReadingError, ValueError):
        return False
    return True


def _asked(reading: Command, answers: Mapping[str, str]) -> Asked | None:
    """Return how a command is asked on a phone that answered so; None: not at all."""
    if any(_is_message(reading, answers.get(mark, "")) for mark in reading.proto_tries):
        return Asked(f"{reading.command} --proto", True)
    if reading.sign and reading.name not in answers:
        return None
    return Asked(reading.command, False)


def parse_probe(text: str) -> Capabilities:
    """Read what ``probe_command`` printed (pure); what it does not name cannot be read."""
    answers = {
        match[1]: match[2].strip()
        for line in text.replace("\r", "").split("\n")
        if (match := _LINE.fullmatch(line)) is not None
    }
    stat_bytes = _number(answers.get("stat_bytes"), 0)
    missing = {
        "MemAvailable (/proc/meminfo)": "meminfo" not in answers,
        "the phone's CPU (/proc/stat)": stat_bytes == 0,
        "the trainer's process (no pidof)": "pidof" not in answers,
    }
    commands: dict[str, Asked] = {}
    files: dict[str, str] = {}
    for reading in readings():
        if isinstance(reading, Command):
            if (asked := _asked(reading, answers)) is not None:
                commands[reading.name] = asked
            missing[reading.absent] = asked is None
        elif isinstance(reading, KernelFile):
            path = answers.get(f"file_{reading.name}", "")
            if _PATH.fullmatch(path):
                files[reading.name] = path
            missing[reading.absent] = reading.name not in files
    mode = "none" if stat_bytes == 0 else "cat" if stat_bytes <= _SMALL_STAT_BYTES else "line"
    return Capabilities(
        meminfo="meminfo" in answers,
        stat_mode=mode,
        commands=commands,
        files=files,
        pidof="pidof" if "pidof" in answers else "true",
        clock_ticks=_number(answers.get("clock_ticks"), 100),
        page_kb=max(1, _number(answers.get("page"), 4096) // 1024),
        absent=tuple(name for name, is_missing in missing.items() if name and is_missing),
    )
