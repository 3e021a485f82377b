"""WERR while a run goes on: of the jobs that have ended, as its scenario's report asks."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from harness.errors import HarnessError
from harness.metrics.werr import Average
from harness.report.load import load_run
from harness.report.werr import WerrMatrix, WerrRow, matrices
from harness.report.word_classes import KIND_WORDS
from harness.results.run import RunRecord
from harness.results.store import RunFolder
from harness.results.werr_interval import Werr
from harness.serve.facts import WerrLine, WerrSoFar


class WerrReader:
    """Tells how much better jobs are than the baseline; told anew where another one has ended.

    Args:
        folder: The run folder.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._of: frozenset[tuple[str, int]] = frozenset()
        self._told: WerrSoFar | None = None

    def so_far(self, record: RunRecord, ended: Collection[tuple[str, int]]) -> WerrSoFar | None:
        """Return what the jobs that have ended come to; None where there is nothing to compare.

        Args:
            record: ``run.json``.
            ended: Attempts with a result.
        """
        if not (record.scenario.get("report") or {}).get("baseline"):
            return None
        if self._of != frozenset(ended):
            try:
                found = matrices([load_run(self._folder.path)])
            except HarnessError:
                return self._told  # damaged: the report says how
            self._of = frozenset(ended)
            self._told = _told(found[0]) if found else None
        return self._told


def _told(matrix: WerrMatrix) -> WerrSoFar:
    return WerrSoFar(baseline=matrix.baseline, lines=tuple(_lines(matrix)), alone=matrix.alone)


def _lines(matrix: WerrMatrix) -> Iterator[WerrLine]:
    for row in matrix.rows:
        for speaker, found in row.cells.items():
            yield _line(row, speaker, None, found)
        if len(row.cells) > 1:
            for average, found in row.averages.items():
                yield _line(row, None, average, found)


def _line(row: WerrRow, speaker: str | None, average: Average | None, found: Werr) -> WerrLine:
    return WerrLine(
        settings=row.settings,
        of=KIND_WORDS[row.kind],
        speaker=speaker,
        average=average,
        werr_percent=found.percent,
        low_percent=found.low_percent,
        high_percent=found.high_percent,
        base_wer_percent=found.base.wer_percent,
        new_wer_percent=found.new.wer_percent,
        base_errors=found.base.errors,
        new_errors=found.new.errors,
        words=found.new.reference_words,
    )
