"""A mutating fuzzer of all readings: ``python -m tests.fuzz --seconds 600 --seed 1``.

It damages what phones really printed (examples, captures and protobuf messages), and looks for
three faults: an error that is not a ``ReadingError``, an input that takes long, and a zero that no
digit of the input can have been. The suite runs it for some seconds; ``--kind battery`` is for one
kind only.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter

from harness.readings import KINDS, PROTO_KINDS, ReadingError, parse_battery, parse_meminfo_package
from tests.unit.readings.messages import battery_message, package_message
from tests.unit.readings.test_captures import CAPTURES, FOLDERS
from tests.unit.readings.texts import EXAMPLES

_SECONDS_A_MEGABYTE = 4.0
_JSON: TypeAdapter[Any] = TypeAdapter(Any)
_INVENTS = frozenset({"batterystats"})
"""Its history counts time from 0: a zero there is no figure of the phone."""
_PIECES = [
    *(bytes([value]) for value in range(0, 256, 5)),
    *(
        b"\r\n",
        b"\r\r\n",
        b"\n\n",
        b"  ",
        b"\t",
        b": ",
        b"=",
        b"-",
        b"NaN",
        b"1,5",
        b"(",
        b"[a]: [",
    ),
    *(b"9" * 30, b"-1", b"1e9", b"\xc2\xa0", "٣".encode(), b"\xed\xa0\x80", b"kB", b"K ", b"N/A"),
]


@dataclass(frozen=True)
class Seed:
    """One text or message of a phone."""

    name: str
    kind: str
    proto: bool
    data: bytes

    @property
    def parse(self) -> Callable[[bytes], Any]:
        """What reads it."""
        return PROTO_KINDS[self.kind] if self.proto else KINDS[self.kind]


@lru_cache(maxsize=1)
def seeds() -> tuple[Seed, ...]:
    """All there is to damage."""
    found = [
        Seed(f"example {kind} {i}", kind, proto=False, data=text.encode())
        for kind, texts in EXAMPLES.items()
        for i, text in enumerate(texts)
    ]
    for folder, kind in FOLDERS.items():
        for file in sorted((CAPTURES / folder).iterdir()):
            data = file.read_bytes()[:40_000]
            found.append(Seed(f"{folder}/{file.name}", kind, proto=False, data=data))
    messages = [("battery", battery_message(parse_battery(text))) for text in EXAMPLES["battery"]]
    for text in EXAMPLES["meminfo"]:
        try:
            data = package_message(parse_meminfo_package(text), summary_only=False)
        except (ReadingError, KeyError):
            continue  # another form of meminfo, or an excerpt
        messages.append(("meminfo", data))
    found += [
        Seed(f"message {kind} {i}", kind, proto=True, data=data)
        for i, (kind, data) in enumerate(messages)
    ]
    return tuple(found)


def mutate(data: bytes, chance: random.Random, others: Sequence[Seed]) -> bytes:
    """What a bad link, a full disk, an odd vendor or an enemy may make of it."""
    cut = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        at = chance.randrange(len(cut) + 1)
        what = chance.randrange(9)
        if what == 0:
            del cut[at : at + chance.choice((1, 2, 20, 400))]
        elif what == 1:
            cut[at:at] = chance.choice(_PIECES)
        elif what == 2 and at < len(cut):
            cut[at] = chance.randrange(256)
        elif what == 3:
            begin = chance.randrange(len(cut) + 1)
            cut[at:at] = cut[begin : begin + chance.choice((8, 80, 800))]
        elif what == 4:
            del cut[at:]
        elif what == 5:
            other = chance.choice(others).data
            begin = chance.randrange(len(other) + 1)
            cut[at:at] = other[begin : begin + 200]
        elif what == 6:
            lines = cut.split(b"\n")
            chance.shuffle(lines)
            cut = bytearray(b"\n".join(lines))
        elif what == 7:
            cut = bytearray(cut.replace(b"\n", chance.choice((b"\r\n", b"\r\r\n", b""))))
        elif chance.random() < 0.1:
            piece = bytes(cut[at : at + chance.choice((1, 3, 9, 40))]) or b" "
            cut[at:at] = piece * (chance.choice((1_000, 30_000, 300_000)) // len(piece))
    return bytes(cut)


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


class FaultError(AssertionError):
    """A reading that does what none may do."""


def check(seed: Seed, data: bytes) -> float:
    """Read one input; return the CPU seconds it took.

    Raises:
        FaultError: It took long, an error is not ours, or a figure is invented.
    """
    began = time.process_time()
    try:
        reading = seed.parse(data)
    except ReadingError as error:
        reading = None
        if not error.kind:
            raise FaultError("an error without its kind") from error
    except Exception as error:
        raise FaultError(f"{type(error).__name__}: {error}") from error
    took = time.process_time() - began
    if took > _SECONDS_A_MEGABYTE * max(0.25, len(data) / 1e6):
        raise FaultError(f"{len(data)} bytes took {took:.1f} s")
    if reading is not None:
        _JSON.dump_json(reading)
        values = list(numbers(reading))
        if any(value != value or abs(value) == float("inf") for value in values):
            raise FaultError("a figure that is not finite")
        # no digit that could be a zero, in any script: then no figure may be one
        hidden = not seed.proto and seed.kind not in _INVENTS
        if hidden and 0 in values and b"0" not in data:
            raise FaultError("a zero that the phone did not say")
    return took


@dataclass
class Report:
    """What a run came to."""

    inputs: int = 0
    slowest_s: float = 0.0
    slowest: str = ""


def fuzz(seconds: float, seed: int, kinds: Sequence[str] = ()) -> Report:
    """Damage and read for so many seconds.

    Raises:
        FaultError: With the input's name; the input itself is in its argument ``args[1]``.
    """
    chance = random.Random(seed)
    wanted = [one for one in seeds() if not kinds or one.kind in kinds]
    report = Report()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        one = chance.choice(wanted)
        data = mutate(one.data, chance, wanted)
        if not one.proto and chance.random() < 0.5:
            data = data.replace(b"0", b"1")
        try:
            took = check(one, data)
        except FaultError as fault:
            raise FaultError(f"{one.name}: {fault}", data) from fault
        report.inputs += 1
        if took > report.slowest_s:
            report.slowest_s, report.slowest = took, f"{one.name}, {len(data)} bytes"
    return report


def main() -> int:
    """Run, print what it came to; keep an input that shows a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--kind", action="append", default=[], choices=sorted(KINDS))
    parser.add_argument("--keep", type=Path, default=Path("fuzz-fault.bin"))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    try:
        report = fuzz(options.seconds, options.seed, options.kind)
    except FaultError as fault:
        options.keep.write_bytes(fault.args[1])
        print(f"FAULT {fault.args[0]}; the input is {options.keep}", file=sys.stderr)
        return 1
    print(f"{report.inputs} inputs; slowest {report.slowest_s:.2f} s: {report.slowest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
