"""What is kept of a nightly run beside its results: that it is one, and its verdict."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout
from pydantic import ValidationError

from harness.metrics.werr import Average
from harness.results.compare import Comparison
from harness.results.files import StoreError, said, write_bytes
from harness.results.model import Record
from harness.results.scoring import Kind
from harness.results.store import RunFolder

NAME = "nightly.json"

Word = Literal["good", "worse", "failed", "no baseline", "too few to tell", "interrupted"]


class NightFigure(Record):
    """What a night came to in one figure on one phone."""

    metric: str
    phone: str
    figure: float
    """Median over its jobs; of failed attempts the mean."""
    interval: tuple[float, float] | None = None
    """Of a WER: `harness.results.wer_interval.METHOD`."""


class WerrFigure(Record):
    """WERR of a run against the first of those that it is compared with, over all its jobs."""

    baseline: str
    """The run that it is against."""
    of: Kind
    """Of which words."""
    average: Average = "pooled"
    """Over several speakers: of their errors together, or the mean of their own."""
    werr_percent: float | None
    """Below zero where more errors are made; None where there is none."""
    low_percent: float | None
    high_percent: float | None
    base_wer_percent: float | None
    new_wer_percent: float | None
    base_errors: int
    new_errors: int
    base_words: int
    new_words: int


class Verdict(Record):
    """What a night came to."""

    word: Word
    line: str
    """One line for people."""
    exit_code: int
    scenario: str
    run: str
    page: str | None = None
    junit: str | None = None
    broken: tuple[str, ...] = ()
    """Expectations of the scenario that do not hold, or that could not be judged."""
    comparison: Comparison | None = None
    figures: tuple[NightFigure, ...] = ()
    """For the trend of later nights; a night of an older version has those of its comparison."""
    werr: tuple[WerrFigure, ...] = ()
    """Nothing where no job is like one of the first run but for the run."""


class NightlyRecord(Record):
    """``nightly.json`` of a run folder."""

    version: Literal[1] = 1
    plan_key: str
    """The same for the same jobs, on whatever phones."""
    only: tuple[str, ...] = ()
    """The filters that it was started with."""
    accepted: bool = False
    """What is as it is since this run is wanted: earlier runs are no baseline any more."""
    verdict: Verdict | None = None
    """None until the run is over."""

    @property
    def good(self) -> bool:
        """Whether later nights may be judged by this one."""
        if self.verdict is None:
            return False
        return self.accepted or self.verdict.word in ("good", "no baseline", "too few to tell")


def write_nightly(folder: RunFolder, record: NightlyRecord) -> None:
    """Write ``nightly.json``."""
    write_bytes(folder.path / NAME, (record.model_dump_json(indent=1) + "\n").encode())


def read_nightly(folder: RunFolder) -> NightlyRecord | None:
    """Read ``nightly.json``; None where the run is no nightly one.

    Raises:
        StoreError: It is damaged.
    """
    path = folder.path / NAME
    if not path.is_file():
        return None
    with said(path, "read"):
        data = path.read_bytes()
    try:
        return NightlyRecord.model_validate_json(data)
    except ValidationError as error:
        raise StoreError(f"{path}: not a nightly record of version 1: {error}") from error


def nightly_runs(root: Path, name: str) -> list[RunFolder]:
    """Return the nightly runs of a scenario below ``root``, oldest first."""
    nightly: list[tuple[str, RunFolder]] = []
    for path in root.glob("*/run.json"):
        folder = RunFolder(path.parent)
        if not (folder.path / NAME).is_file():
            continue
        record = folder.record()
        if record.name == name:
            nightly.append((record.started_utc, folder))
    return [folder for _, folder in sorted(nightly, key=lambda pair: (pair[0], pair[1].run_id))]


def good_before(runs: Iterable[RunFolder], plan_key: str, most: int) -> list[RunFolder]:
    """Return the latest good runs of a plan, at most ``most``, oldest first.

    Nothing before an accepted run counts.
    """
    good: list[RunFolder] = []
    for folder in runs:
        record = read_nightly(folder)
        if record is None or record.plan_key != plan_key or not record.good:
            continue
        if record.accepted:
            good = []
        good.append(folder)
    return good[-most:]


def prune(runs: Sequence[RunFolder], keep: int, spare: Iterable[Path]) -> list[str]:
    """Delete all but the last ``keep`` runs.

    Args:
        runs: Nightly runs of one scenario, oldest first.
        keep: How many stay.
        spare: Run folders that stay in any case (the baseline).

    Returns:
        The names of those deleted. A run that another process works on stays.

    Raises:
        StoreError: One cannot be deleted.
    """
    spared = {path.resolve() for path in spare}
    gone: list[str] = []
    for folder in runs[:-keep]:
        if folder.path.resolve() in spared:
            continue
        lock = FileLock(folder.path / ".lock", thread_local=False)
        try:
            with lock.acquire(timeout=0), said(folder.path, "delete"):
                folder.record_path.unlink()  # from here on it is no run any more
                shutil.rmtree(folder.path)
        except Timeout:
            continue
        gone.append(folder.run_id)
    return gone
