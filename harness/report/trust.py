"""Can I trust and repeat it: what is modelled, seeds, gates, notes (pure)."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from harness.report.axes import shown
from harness.report.load import Attempt, RunData
from harness.results.model import GateRecord, PhoneRecord

MODELLED = (
    (
        "Available RAM",
        "MemAvailable = the profile’s available RAM when idle, less what the phone’s processes "
        "hold alone (resident less shared), less the ballast’s declared size; never below 0.",
    ),
    (
        "Ballast",
        "Each ballast process is real and small; the size it declares is charged in full.",
    ),
    (
        "Low memory killer",
        "Kills by oom_score_adj, ballast before the trainer, once MemAvailable falls below the "
        "profile’s threshold, and writes the log lines and exit records that a phone would.",
    ),
    ("Battery, temperature", "A model of charge and heat fed by the trainer’s CPU time."),
    (
        "System services",
        "dumpsys, am, pm, getprop, settings and logcat are stand-ins in the phone’s userland.",
    ),
    (
        "Trainer",
        "An APK is taken by adb install and its manifest is read, but no code of it runs: the "
        "reference trainer, or the Java one on a JVM, trains in its place.",
    ),
    (
        "Not modelled",
        "The trainer’s training, its CPU time, its RSS and PSS, and what goes over ADB are real; "
        "seconds are those of the host’s CPU, not of the phone's.",
    ),
)
"""What a virtual phone makes up, and what it does not (ARCHITECTURE.md)."""


@dataclass(frozen=True)
class Gate:
    """A gate that did more than let an attempt pass."""

    attempt: Attempt
    record: GateRecord


def phones(runs: Iterable[RunData]) -> tuple[PhoneRecord, ...]:
    """Return every phone of the runs, once a serial."""
    found: dict[str, PhoneRecord] = {}
    for data in runs:
        for phone in (*data.record.phones, *(one.result.phone for one in data.attempts)):
            found.setdefault(phone.serial, phone)
    return tuple(found.values())


@dataclass(frozen=True)
class Trainer:
    """What trained, and how its files came to the host.

    Attributes:
        name: As it named itself in its log.
        runtime: Likewise.
        installed: Version of its package on the phone.
        apk: SHA-256 of the installed APK; empty for the one that a virtual phone comes with.
        files_by: ``shared``, ``run-as`` or ``external``; see ``docs/android.md``.
        attempts: How many it served.
    """

    name: str
    runtime: str
    installed: str
    apk: str
    files_by: str
    attempts: int


def trainers(runs: Iterable[RunData]) -> tuple[Trainer, ...]:
    """Return every trainer that trained; results that do not name theirs are left out."""
    counted: Counter[tuple[str, str, str, str, str]] = Counter()
    for one in (one.result for data in runs for one in data.attempts):
        if one.trainer is None:
            continue
        said = {} if one.phone.capabilities is None else one.phone.capabilities.said
        told = (said.get(name, "") for name in ("trainer", "trainer_apk", "files_by"))
        installed, apk, files_by = told
        counted[(one.trainer, one.runtime or "", installed, apk, files_by)] += 1
    return tuple(Trainer(*key, count) for key, count in sorted(counted.items()))


def notable_gates(attempts: Iterable[Attempt]) -> tuple[Gate, ...]:
    """Return gates that waited, failed or were skipped."""
    return tuple(
        Gate(one, gate) for one in attempts for gate in one.result.gates if gate.outcome != "passed"
    )


def seeds(scenario: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return every field called ``seed`` or ``shuffled`` with its dotted path."""
    found: list[tuple[str, str]] = []

    def walk(value: Any, path: str) -> None:
        if isinstance(value, Mapping):
            for key, inner in value.items():
                walk(inner, f"{path}.{key}" if path else str(key))
        elif path.rsplit(".", 1)[-1] in ("seed", "shuffled") and value is not None:
            found.append((path, str(value)))

    walk(scenario, "")
    return tuple(found)


def notes(runs: Iterable[RunData]) -> tuple[tuple[str, int], ...]:
    """Return what the runs and their attempts note, with how many attempts say it."""
    counted: dict[str, int] = {}
    for data in runs:
        for note in data.record.notes:
            counted.setdefault(note, 0)
        for one in data.attempts:
            for note in one.result.notes:
                counted[note] = counted.get(note, 0) + 1
    return tuple(counted.items())


def command_line(data: RunData) -> str:
    """Return the command as one would type it."""
    return shlex.join(data.record.command)


def as_yaml(value: Any) -> str:
    """Return plain data as YAML, in its own order."""
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=96)


def flat(value: Mapping[str, Any], prefix: str = "") -> tuple[tuple[str, str], ...]:
    """Return nested data as dotted paths and short values, for a table."""
    rows: list[tuple[str, str]] = []
    for key, inner in value.items():
        path = f"{prefix}{key}"
        if isinstance(inner, Mapping):
            rows.extend(flat(inner, f"{path}."))
        elif isinstance(inner, list | tuple):
            rows.append((path, ", ".join(shown(item) for item in inner)))
        elif inner is not None:
            rows.append((path, shown(inner)))
    return tuple(rows)
