"""No text makes a parser raise anything but its own error, hang, or invent a zero."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter

from harness.readings import KINDS, ReadingError
from tests.unit.readings.texts import EXAMPLES

CAPTURES = Path(__file__).parents[4] / "shared" / "captures"
FOLDERS = {
    "dumpsys_battery": "battery",
    "dumpsys_batterystats_checkin": "batterystats",
    "dumpsys_cpuinfo": "cpuinfo",
    "dumpsys_activity_exit_info": "exit_info",
    "getprop": "getprop",
    "logcat_lmkd": "lmk",
    "dumpsys_activity_lmk": "lmk",
    "dumpsys_meminfo_a": "meminfo",
    "dumpsys_meminfo_checkin": "meminfo",
    "dumpsys_meminfo_pkg": "meminfo",
    "dumpsys_meminfo_system": "meminfo",
    "proc_pressure": "pressure",
    "proc_meminfo": "proc_meminfo",
    "proc_pid_stat": "proc_pid_stat",
    "proc_stat": "proc_stat",
    "dumpsys_thermalservice": "thermal",
}
needs_captures = pytest.mark.skipif(
    not CAPTURES.is_dir(), reason="no folder ../shared/captures beside this checkout"
)


def numbers(reading: Any) -> Iterator[float]:
    """All numbers of a reading."""
    if isinstance(reading, BaseModel):
        for name in type(reading).model_fields:
            yield from numbers(getattr(reading, name))
    elif isinstance(reading, dict):
        for key, value in reading.items():
            yield from numbers(key)
            yield from numbers(value)
    elif isinstance(reading, (tuple, list)):
        for value in reading:
            yield from numbers(value)
    elif isinstance(reading, (int, float)) and not isinstance(reading, bool):
        yield reading


def try_all(text: str | bytes, kinds: list[str] | None = None) -> None:
    for kind in kinds or list(KINDS):
        try:
            reading = KINDS[kind](text)
        except ReadingError as error:
            assert error.kind  # noqa: PT017 - nothing else may be raised, and it must name itself
            continue
        TypeAdapter(Any).dump_json(reading)
        assert all(value == value and abs(value) != float("inf") for value in numbers(reading))


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=400))
def test_any_text(text: str) -> None:
    try_all(text)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    try_all(data)


LINES = sorted({line for group in EXAMPLES.values() for text in group for line in text.split("\n")})
PIECES = st.one_of(
    st.sampled_from(LINES),
    st.sampled_from(
        ["\r", "\0", "[", "]", "9" * 30, "-", "1,5", "NaN", "\ud800", "٣", "a: b", ":"]
    ),
    st.text(max_size=12),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(PIECES, st.sampled_from(["\n", "", " ", ","])), max_size=25))
def test_any_mixture_of_real_lines(pieces: list[tuple[str, str]]) -> None:
    try_all("".join(piece + end for piece, end in pieces))


# Not here: battery history counts its time from 0, and 1.11 bytes are 0 KiB.
@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"batterystats", "exit_info"}))
def test_no_field_is_invented_when_lines_are_missing(kind: str) -> None:
    """Leaving lines out may lose values; no number may appear that the text does not hold."""
    chance = random.Random(7)
    for text in EXAMPLES[kind]:
        lines = text.split("\n")
        for _ in range(30):
            kept = [line for line in lines if chance.random() < 0.6]
            # A zero may only come out of a text that holds the digit 0.
            clean = [line.translate(str.maketrans("0", "1")) for line in kept]
            try:
                reading = KINDS[kind]("\n".join(clean))
            except ReadingError:
                continue
            assert not [value for value in numbers(reading) if value == 0]


def mutate(text: str, chance: random.Random) -> str:
    """A text as a bad link, a full disk or an odd vendor may leave it."""
    cut = list(text)
    for _ in range(chance.randint(1, 12)):
        if not cut:
            break
        at = chance.randrange(len(cut))
        what = chance.randrange(6)
        if what == 0:
            del cut[at : at + chance.randint(1, 60)]
        elif what == 1:
            cut[at] = chance.choice("\0\r\n\t :,[](){}=%/-+.09Kk'\"\u00a0\ud800ü")
        elif what == 2:
            cut[at:at] = cut[chance.randrange(len(cut)) :][:80]
        elif what == 3:
            cut[at:at] = "9" * chance.randint(1, 400)
        elif what == 4:
            del cut[at:]
        else:
            cut[at:at] = chance.choice([" ", "(", "[a]: [", "1,", "'"]) * chance.randint(1, 3000)
    return "".join(cut)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_mutated_examples(kind: str) -> None:
    chance = random.Random(11)
    for text in EXAMPLES[kind]:
        for _ in range(60):
            try_all(mutate(text, chance), [kind])


@needs_captures
@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_all_captures_are_read(folder: str) -> None:
    files = sorted((CAPTURES / folder).iterdir())
    assert files
    for file in files:
        reading = KINDS[FOLDERS[folder]](file.read_bytes())
        TypeAdapter(Any).dump_json(reading)
        if "EMPTY" not in file.name and "am_pss" not in file.name:
            assert list(numbers(reading)) or folder == "getprop", file.name


@needs_captures
@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_mutated_captures(folder: str) -> None:
    chance = random.Random(5)
    for file in sorted((CAPTURES / folder).iterdir()):
        text = file.read_text("utf-8", "replace")[:12000]
        for _ in range(8):
            try_all(mutate(text, chance), [FOLDERS[folder]])


HOSTILE = [
    "[a]: [" * 20000,
    "(" * 200000,
    "1 " * 100000,
    " " * 200000,
    "9," * 100000,
    "TOTAL: " * 30000,
    "Kill '" * 30000,
    "pid=1 " * 30000,
    "Temperature{mValue=1, mType=1, mName=" * 5000,
    "1,234K: a (pid " * 20000,
    "a:" * 100000,
    "1% 2/" * 40000,
    "\n" * 200000,
    " key: " * 40000,
]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_hostile_texts_take_no_time(kind: str) -> None:
    for text in HOSTILE:
        began = time.process_time()
        try_all(text, [kind])
        assert time.process_time() - began < 2.0, text[:20]


def command(kind: str, data: bytes) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-m", "harness.readings", *([kind] if kind else [])],
        input=data,
        capture_output=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )


def test_the_command_prints_json_and_names_what_is_wrong() -> None:
    good = command("battery", EXAMPLES["battery"][0].encode())
    assert good.returncode == 0
    assert b'"percent": 82.0' in good.stdout
    bad = command("battery", b"nothing")
    assert (bad.returncode, bad.stdout) == (1, b"")
    assert b"battery: no line" in bad.stderr
    unknown = command("batery", b"")
    assert unknown.returncode == 2
    assert b"proc_meminfo" in unknown.stderr
