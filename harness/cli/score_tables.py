"""What ``harness score`` shows: tables for people, files, and figures for scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from harness.cli import console
from harness.export.frames import Run
from harness.export.safe_cells import csv_text
from harness.metrics.werr import Average
from harness.report.load import RunData
from harness.report.numbers import fixed, signed
from harness.report.werr import AVERAGES, WerrMatrix, WerrRow, against_first, matrices
from harness.report.werr import in_words as werr_in_words
from harness.report.word_classes import (
    KIND_WORDS,
    ClassRow,
    KindFigures,
    list_in_words,
    percent,
    run_classes,
)
from harness.results.files import write_bytes
from harness.results.wer_interval import WerInterval
from harness.results.werr_interval import Werr


def show(runs: Sequence[RunData]) -> None:
    """Print the tables."""
    for own in run_classes(runs):
        console.table(
            ("speaker", "sub-model", "of", "before % >", "after % >", "WERR % >", "errors after >"),
            [_cells(row, figures) for row in own.rows + own.together for figures in row.kinds],
            title=own.run_id if len(runs) > 1 else "",
        )
        if own.scoring.asked.rare_words is not None:
            console.tell(list_in_words(own))
    for matrix in _matrices(runs):
        console.table(
            ("setting", "of", "speaker", "WERR % >", "95 % >", "WER % >", "errors >"),
            _lines(matrix),
        )
        console.tell(werr_in_words(matrix))
        if matrix.alone:
            console.note(f"{matrix.alone} trainings are left out: no baseline is like them.")


def _matrices(runs: Sequence[RunData]) -> list[WerrMatrix]:
    beside = against_first(runs)
    return [*matrices(runs), *([] if beside is None else [beside])]


def _cells(row: ClassRow, figures: KindFigures) -> tuple[str, ...]:
    return (
        row.name,
        row.sub_model.label,
        KIND_WORDS[figures.kind].removesuffix(" words"),
        _rate(figures.before),
        _rate(figures.after),
        signed(figures.reduction_percent, 1),
        "–" if figures.after is None else f"{_errors(figures.after)} of {figures.after.words}",
    )


def _errors(interval: WerInterval) -> int:
    return interval.substitutions + interval.deletions + interval.insertions


def _rate(interval: WerInterval | None) -> str:
    rate = percent(interval)
    return "none" if rate is None else fixed(rate, 1)


def _lines(matrix: WerrMatrix) -> list[tuple[str, ...]]:
    lines = []
    for row in matrix.rows:
        setting = ", ".join(value for _, value in row.settings) or "all"
        cells = dict(row.cells)
        if len(cells) > 1:
            cells |= {words: row.averages[average] for average, words in AVERAGES.items()}
        lines += [
            (setting, KIND_WORDS[row.kind].removesuffix(" words"), speaker, *_werr_cells(found))
            for speaker, found in cells.items()
        ]
    return lines


def _werr_cells(found: Werr) -> tuple[str, ...]:
    ends = "" if found.ends is None else f"{signed(found.ends[0], 1)} to {signed(found.ends[1], 1)}"
    base, new = found.base, found.new
    return (
        "none" if found.percent is None else signed(found.percent, 1),
        ends,
        f"{_percent(base.wer_percent)} → {_percent(new.wer_percent)}",
        f"{base.errors} → {new.errors}",
    )


def _percent(rate: float | None) -> str:
    return "none" if rate is None else fixed(rate, 1)


def figures_of(runs: Sequence[RunData]) -> dict[str, Any]:
    """Return all figures as JSON has them."""
    return {
        "runs": [data.record.run_id for data in runs],
        "report": None if runs[-1].scoring is None else runs[-1].scoring.asked.model_dump(),
        "word_errors": _records(_word_errors(runs)),
        "werr": _records(_werr(runs)),
    }


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    known = frame.astype(object).where(frame.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in known.to_dict("records")]


def _word_errors(runs: Sequence[RunData]) -> pd.DataFrame:
    return _joined([(data, _open(data).word_errors) for data in runs])


def _open(data: RunData) -> Run:
    assert data.path is not None, "read from a folder"
    return Run(data.path, scoring=data.scoring)


def _joined(parts: Sequence[tuple[RunData, pd.DataFrame]]) -> pd.DataFrame:
    frames = []
    for data, frame in parts:
        own = frame.copy()
        own.insert(0, "run", data.record.run_id)
        frames.append(own)
    return pd.concat(frames, ignore_index=True)


def _werr(runs: Sequence[RunData]) -> pd.DataFrame:
    """Return the WERR matrices, a cell a row.

    Over all speakers ``speaker`` is none, and ``average`` says how they are put together.
    """
    return pd.DataFrame(
        {
            "run": matrix.title or runs[-1].record.run_id,
            "baseline": matrix.baseline,
            **dict(row.settings),
            "speaker": speaker,
            "of": row.kind,
            "average": average,
            **found.figures(),
        }
        for matrix in _matrices(runs)
        for row in matrix.rows
        for speaker, average, found in _figures(row)
    )


def _figures(row: WerrRow) -> Iterator[tuple[str | None, Average | None, Werr]]:
    for speaker, found in row.cells.items():
        yield speaker, None, found
    if len(row.cells) > 1:
        for average, found in row.averages.items():
            yield None, average, found


def write_tables(runs: Sequence[RunData], folder: Path) -> list[Path]:
    """Write what there is as CSV.

    Raises:
        StoreError: A file cannot be written.
    """
    files = []
    for name, frame in (("word_errors", _word_errors(runs)), ("werr", _werr(runs))):
        if len(frame):
            files.append(folder / f"{name}.csv")
            write_bytes(files[-1], csv_text(frame).encode())
    return files
