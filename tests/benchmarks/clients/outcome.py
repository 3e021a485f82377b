"""What came of a client's calls, and how it is shown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Outcome = Literal["works", "fails", "skipped"]
OUTCOMES: tuple[Outcome, ...] = ("works", "fails", "skipped")
_REASON_CHARACTERS = 300


@dataclass(frozen=True)
class Call:
    """One call, or one test of the client's own suite."""

    name: str
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True)
class Judgement:
    """What one client says of a phone.

    Attributes:
        client: Its name.
        version: The version that was asked for.
        calls: In the order of the calls.
        skipped: Why the client could not be asked at all; empty if it was.
    """

    client: str
    version: str
    calls: tuple[Call, ...] = field(default=())
    skipped: str = ""

    def count(self, outcome: Outcome) -> int:
        """Return how many calls came out so."""
        return sum(call.outcome == outcome for call in self.calls)

    def as_json(self) -> dict[str, Any]:
        """Return everything, with the counts."""
        counts = {outcome: self.count(outcome) for outcome in OUTCOMES}
        calls = [asdict(call) for call in self.calls]
        why = {"reason": self.skipped} if self.skipped else {}
        return {"client": self.client, "version": self.version, **why, **counts, "calls": calls}


def calls_of_lines(lines: Iterable[str]) -> Iterator[Call]:
    """Read what the scripts print: one JSON object a call; other lines are the client's own."""
    for line in lines:
        if line.startswith('{"call":'):
            row = json.loads(line)
            yield Call(row["call"], row["outcome"], shortened(row.get("reason", "")))


def shortened(reason: str) -> str:
    """Return a reason in one line."""
    text = " ".join(reason.split())
    return text if len(text) <= _REASON_CHARACTERS else text[:_REASON_CHARACTERS] + " ..."


def table(judgements: Iterable[Judgement]) -> str:
    """Return the counts as a table, and below it each call that does not work, with the reason."""
    rows = list(judgements)
    heads = ("client", "version", *OUTCOMES)
    width = max([len(heads[0]), *(len(row.client) for row in rows)])
    wide = max([len(heads[1]), *(len(row.version) for row in rows)])
    lines = [f"{heads[0]:{width}}  {heads[1]:{wide}}  " + "  ".join(heads[2:])]
    for row in rows:
        counts = "  ".join(f"{row.count(outcome):{len(outcome)}}" for outcome in OUTCOMES)
        end = f"-: {row.skipped}" if row.skipped else counts
        lines.append(f"{row.client:{width}}  {row.version:{wide}}  {end}")
    for row in rows:
        lines += [
            f"{row.client}: {call.name} {call.outcome}: {call.reason}"
            for call in row.calls
            if call.outcome != "works"
        ]
    return "\n".join(lines)
