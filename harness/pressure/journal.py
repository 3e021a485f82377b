"""What a spell of pressure must not forget when its host dies: one JSON line a reading.

The ballast lives on on the phone; with this file the next host knows what it is, and which seconds
nobody controlled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.pressure.control import Reading
from harness.results.files import said


@dataclass
class Past:
    """What an earlier host left written.

    Attributes:
        idle: The phone before the pressure.
        settle_s: How long it took to get to the goal.
        apps: What was launched for it.
        since: The phone's clock and uptime (s) when the watch for kills began.
        asked: Ballast service -> MiB, at the last reading.
        peak_mb: The most ballast that was asked for.
        max_mb: The most that the controller would ask for.
        held: (value in MiB, within the tolerance) of each reading of the hold.
        steps: (boot ms, MiB of ballast) each time it changed.
        last_ms: Boot time of the last reading.
        gaps: (from, to) in boot ms that nobody controlled.
    """

    idle: Reading
    settle_s: float = 0.0
    apps: tuple[str, ...] = ()
    since: str = ""
    asked: dict[int, int] = field(default_factory=dict)
    peak_mb: int = 0
    max_mb: float | None = None
    held: list[tuple[float, bool]] = field(default_factory=list)
    steps: list[tuple[int, float]] = field(default_factory=list)
    last_ms: int = 0
    gaps: list[tuple[int, int]] = field(default_factory=list)


class Journal:
    """Appends to the file; does nothing without one.

    Args:
        path: The file; None for none.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def settled(self, **facts: Any) -> None:
        """Write down what is known once the goal is reached."""
        idle: Reading = facts.pop("idle")
        self._line({"settled": {**facts, "idle": asdict(idle)}}, "w")

    def reading(self, reading: Reading, within: bool, asked: Mapping[int, int]) -> None:
        """Write down a reading of the hold."""
        self._line({"t": reading.t_ms, "mb": reading.value_mb, "in": within, "asked": dict(asked)})

    def taken_up(self, last_ms: int, now_ms: int) -> None:
        """Write down that a host took up what another had left."""
        self._line({"gap": [last_ms, now_ms]})

    def _line(self, what: Mapping[str, Any], mode: str = "a") -> None:
        if self.path is not None:
            with said(self.path, "write"), self.path.open(mode, encoding="utf-8") as file:
                file.write(json.dumps(what) + "\n")


def read_journal(path: Path) -> Past | None:
    """Read what an earlier host left; None if it never reached the goal.

    A torn line is passed over.
    """
    past: Past | None = None
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError:
        return None
    for text in lines:
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if "settled" in line:
            past = _begun(line["settled"])
        elif past is not None and "gap" in line:
            past.gaps.append((line["gap"][0], line["gap"][1]))
        elif past is not None:
            _add(past, line)
    return past


def _begun(facts: dict[str, Any]) -> Past:
    idle = facts.pop("idle")
    return Past(
        idle=Reading(idle["t_ms"], idle["available_mb"], idle["trainer_mb"]),
        settle_s=facts["settle_s"],
        apps=tuple(facts["apps"]),
        since=facts["since"],
        asked={int(k): mb for k, mb in facts["asked"].items()},
        peak_mb=facts["peak_mb"],
        max_mb=facts["max_mb"],
        steps=[(t_ms, mb) for t_ms, mb in facts["steps"]],
        last_ms=facts["t_ms"],
    )


def _add(past: Past, line: dict[str, Any]) -> None:
    asked = {int(k): mb for k, mb in line["asked"].items()}
    total = sum(asked.values())
    if total != sum(past.asked.values()):
        past.steps.append((line["t"], float(total)))
    past.asked = asked
    past.peak_mb = max(past.peak_mb, total)
    past.held.append((line["mb"], line["in"]))
    past.last_ms = line["t"]
