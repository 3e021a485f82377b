"""No text makes a parser raise anything but its own error, hang, or invent a zero."""

import contextlib
import random
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from harness.readings import KINDS, ReadingError
from tests.fuzz import FaultError, check, fuzz, numbers, seeds
from tests.unit.readings.texts import EXAMPLES


def try_all(text: str | bytes, kinds: list[str] | None = None) -> None:
    for kind in kinds or list(KINDS):
        try:
            reading = KINDS[kind](text)
        except ReadingError as error:
            assert error.kind  # noqa: PT017 - nothing else may be raised, and it must name itself
            continue
        TypeAdapter(Any).dump_json(reading)
        assert all(value == value and abs(value) != float("inf") for value in numbers(reading))


@settings(max_examples=150)
@given(st.text(max_size=400))
def test_any_text(text: str) -> None:
    try_all(text)


@settings(max_examples=100)
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


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
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


def test_mutated_texts_and_messages() -> None:
    report = fuzz(seconds=5, seed=11)
    assert report.inputs > 50


def test_the_fuzzer_sees_what_it_looks_for() -> None:
    seed = seeds()[0]
    for faulty, said in (
        (lambda data: data[10**9], "IndexError"),
        (lambda data: {"level": 0}, "a zero"),
        (lambda data: {"level": float("nan")}, "not finite"),
    ):
        broken = SimpleNamespace(kind=seed.kind, proto=False, parse=faulty)
        with pytest.raises(FaultError, match=said):
            check(broken, b"level: 7")  # type: ignore[arg-type]


HOSTILE = [
    "[a]: [",
    "(",
    "1 ",
    " ",
    "9,",
    "TOTAL: ",
    "Kill '",
    "pid=1 ",
    "Temperature{mValue=1, mType=1, mName=",
    "1,234K: a (pid ",
    "a:",
    "1% 2/",
    "\n",
    " key: ",
    "Total RAM: 1K (",
    "\n1 (",
    "cpu 1 ",
    "[a]: [b]",
]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_hostile_texts_take_no_time(kind: str) -> None:
    for piece in HOSTILE:
        text = piece * (1_000_000 // len(piece))
        began = time.process_time()
        with contextlib.suppress(ReadingError):
            KINDS[kind](text)
        assert time.process_time() - began < 4.0, piece


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
