"""How a run stands or ended, counted from its ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.lab.ledger.ledger import Ledger
from harness.lab.ledger.tables import OPEN, AttemptRow, LeaseRow, TaskRow
from harness.results.model import AttemptResult
from harness.results.run import RunRecord
from harness.results.store import RunFolder

EXIT_INTERRUPTED: Final = 130


@dataclass(frozen=True)
class RunSummary:
    """How a run ended."""

    run_id: str
    folder: Path
    finished: int
    failed: int
    skipped: int
    unfinished: int
    interrupted: bool
    results: tuple[AttemptResult, ...]
    """Last attempt of every job that had one."""
    notes: tuple[str, ...] = ()
    withdrawn: int = 0
    """Tasks that the program which added them wanted no more (late answers); no fault."""

    @property
    def exit_code(self) -> int:
        """0 all finished, 1 some did not, 130 interrupted."""
        if self.interrupted:
            return EXIT_INTERRUPTED
        return 1 if self.failed or self.skipped or self.unfinished else 0


def summary(
    folder: RunFolder, ledger: Ledger, *, interrupted: bool, notes: Sequence[str] = ()
) -> RunSummary:
    """Count what became of a run's tasks."""
    counts = ledger.counts()
    withdrawn = sum(row.is_withdrawn for row in ledger.rows("skipped"))
    return RunSummary(
        run_id=folder.run_id,
        folder=folder.path,
        finished=counts.get("finished", 0),
        failed=counts.get("failed", 0),
        skipped=counts.get("skipped", 0) - withdrawn,
        withdrawn=withdrawn,
        unfinished=sum(counts.get(state, 0) for state in OPEN),
        interrupted=interrupted,
        results=tuple(folder.last_results()),
        notes=tuple(notes),
    )


@dataclass(frozen=True)
class RunStatus:
    """Where a run stands, for ``harness status``."""

    record: RunRecord
    tasks: tuple[TaskRow, ...]
    attempts: tuple[AttemptRow, ...]
    leases: tuple[LeaseRow, ...]
    """Phones held, or left by a dead owner."""
    results: tuple[AttemptResult, ...]
    """Last attempt of every job that has one."""


def status(path: Path) -> RunStatus:
    """Read where a run stands; may be asked while it runs.

    Raises:
        InputError: Not a run folder.
    """
    folder = RunFolder.open(path)
    with Ledger.read(folder.ledger_path) as ledger:
        return RunStatus(
            record=folder.record(),
            tasks=tuple(ledger.rows()),
            attempts=tuple(ledger.attempts()),
            leases=tuple(ledger.leases()),
            results=tuple(folder.last_results()),
        )
