"""Run folders on disk: who wrote what, whole or not at all.

    runs/<run-id>/run.json
                  ledger.sqlite, harness.log
                  attempts/<job>/<n>/result.json, events.jsonl, samples.parquet,
                                     hypotheses.jsonl, exits.jsonl, logcat.txt, checkpoint.npz, ...

Small files are replaced atomically. ``events.jsonl`` grows byte for byte as the phone's file does,
so that its length is the offset from which to follow on. ``result.json`` is written last: where it
lies, all else of that attempt lies too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from harness.contract import parse_event
from harness.contract.events import EventError
from harness.contract.exits import Answer
from harness.errors import InputError
from harness.results.files import StoreError, said, write_atomically, write_bytes
from harness.results.format import check_samples_version, conform, read_json, with_version
from harness.results.model import AttemptResult, Record
from harness.results.names import safe_name
from harness.results.plausible import doubts, needed, plausible
from harness.results.run import RunRecord
from harness.results.samples import all_columns, sample_schema, some_columns


class HypothesisRow(Record):
    """One line of ``hypotheses.jsonl``: what was said and what was heard, scored by the host."""

    epoch: int
    id: str
    reference: str
    hypothesis: str
    substitutions: int
    deletions: int
    insertions: int
    reference_words: int


class OtherSpeakerRow(HypothesisRow):
    """One line of ``others.jsonl``: what was heard of somebody who did not train."""

    speaker: str


class ExitsRow(Record):
    """One line of ``exits.jsonl``: where an utterance left a network with exits, in an epoch."""

    epoch: int
    id: str
    reference: str
    exit: str
    seconds: float
    """Of all segments up to there, for the whole batch."""
    rule_seconds: float
    rows: int
    """Utterances in its batch."""
    answers: tuple[Answer, ...]
    """From the shallowest exit up: those that were computed for it."""

    @property
    def text(self) -> str | None:
        """What was heard where it left; None where that stayed on the phone."""
        return next((a.text for a in self.answers if a.exit == self.exit), None)


Row = TypeVar("Row", bound=Record)


class Rows(list[Row]):
    """What could be read of a file with a record a line.

    Args:
        rows: The lines that are whole.
        damaged: Those that are not, in words, with file and number; all others are kept.
    """

    def __init__(self, rows: Iterable[Row] = (), damaged: Iterable[str] = ()) -> None:
        super().__init__(rows)
        self.damaged = tuple(damaged)


class AttemptFolder:
    """Files of one attempt.

    Args:
        path: ``attempts/<job>/<n>`` of a run folder.
        job_id: The job, as the ledger names it.
        attempt: 1, 2, ...
    """

    def __init__(self, path: Path, job_id: str, attempt: int) -> None:
        self.path = path
        self.job_id = job_id
        self.attempt = attempt

    @property
    def events_path(self) -> Path:
        """The trainer's event log as followed so far."""
        return self.path / "events.jsonl"

    @property
    def samples_path(self) -> Path:
        """The one-second samples."""
        return self.path / "samples.parquet"

    @property
    def hypotheses_path(self) -> Path:
        """Scored hypotheses of all epochs."""
        return self.path / "hypotheses.jsonl"

    @property
    def others_path(self) -> Path:
        """Scored hypotheses of other speakers."""
        return self.path / "others.jsonl"

    @property
    def exits_path(self) -> Path:
        """Where utterances left a network with exits, and what each exit said."""
        return self.path / "exits.jsonl"

    @property
    def checkpoint_path(self) -> Path:
        """The kept checkpoint."""
        return self.path / "checkpoint.npz"

    @property
    def update_path(self) -> Path:
        """What a client of federated training sent back."""
        return self.path / "update.npz"

    @property
    def logcat_path(self) -> Path:
        """Log of the phone during the attempt."""
        return self.path / "logcat.txt"

    @property
    def result_path(self) -> Path:
        """``result.json``."""
        return self.path / "result.json"

    def make(self) -> None:
        """Create the folder."""
        with said(self.path, "make the folder"):
            self.path.mkdir(parents=True, exist_ok=True)

    # -- events ---------------------------------------------------------------------------------

    def events_size(self) -> int:
        """Return how many bytes of the event log are here: the offset to follow from."""
        return self.events_path.stat().st_size if self.events_path.exists() else 0

    def append_events(self, chunk: bytes) -> None:
        """Add bytes of the event log exactly as the phone wrote them."""
        with said(self.events_path, "write"), self.events_path.open("ab") as file:
            file.write(chunk)

    def cut_events(self, size: int) -> None:
        """Drop what follows the first ``size`` bytes of the event log."""
        if self.events_size() > size:
            with said(self.events_path, "write"):
                os.truncate(self.events_path, size)

    def events(self) -> list[Any]:
        """Read the event log; a last line without newline does not count.

        Raises:
            StoreError: A complete line is not an event of contract version 1.
        """
        if not self.events_path.exists():
            return []
        with said(self.events_path, "read"):
            lines = self.events_path.read_bytes().split(b"\n")[:-1]
        return [self._event(number, line) for number, line in enumerate(lines, 1)]

    def _event(self, number: int, line: bytes) -> Any:
        try:
            return parse_event(line)
        except EventError as error:
            raise StoreError(f"{self.events_path}:{number}: {error}") from error

    # -- samples --------------------------------------------------------------------------------

    def write_samples(self, table: pa.Table) -> None:
        """Write the samples, with all columns that are known here and those that are not.

        Raises:
            StoreError: A column is not of its type, or the disk fails.
        """
        whole = with_version(conform(table, sample_schema(), self.samples_path))
        write_atomically(
            self.samples_path, lambda path: pq.write_table(whole, path, compression="zstd")
        )

    def samples(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Read the samples; an empty table where none were taken.

        A column of this harness that the file lacks is null; one that it has besides is kept. A
        value that a phone cannot have is null too (`harness.results.plausible`).

        Args:
            columns: Read these only, which is quicker; None = all.

        Raises:
            StoreError: The file is damaged, of a newer format, or a column of another type.
        """
        wanted = sample_schema() if columns is None else some_columns(columns)
        if not self.samples_path.exists():
            return wanted.empty_table()
        try:
            with said(self.samples_path, "read"), pq.ParquetFile(self.samples_path) as file:
                check_samples_version(file.schema_arrow, self.samples_path)
                names = file.schema_arrow.names
                table = file.read(names if columns is None else needed(columns, names))
                return conform(plausible(table, all_columns()), wanted, self.samples_path, columns)
        except pa.ArrowException as error:
            raise StoreError(
                f"{self.samples_path}: not a readable Parquet file: {error}"
            ) from error

    # -- hypotheses -----------------------------------------------------------------------------

    def write_hypotheses(self, rows: Iterable[HypothesisRow]) -> None:
        """Write the scored hypotheses."""
        _write_rows(self.hypotheses_path, rows)

    def hypotheses(self) -> Rows[HypothesisRow]:
        """Read the scored hypotheses; empty where none were written."""
        return _read_rows(self.hypotheses_path, HypothesisRow)

    def write_others(self, rows: Iterable[OtherSpeakerRow]) -> None:
        """Write the scored hypotheses of other speakers."""
        _write_rows(self.others_path, rows)

    def others(self) -> Rows[OtherSpeakerRow]:
        """Read the scored hypotheses of other speakers; empty where none were written."""
        return _read_rows(self.others_path, OtherSpeakerRow)

    def write_exits(self, rows: Iterable[ExitsRow]) -> None:
        """Write where utterances left, and what each exit said."""
        _write_rows(self.exits_path, rows)

    def exits(self) -> Rows[ExitsRow]:
        """Read where utterances left; empty where nothing was written."""
        return _read_rows(self.exits_path, ExitsRow)

    # -- the rest -------------------------------------------------------------------------------

    def write_text(self, name: str, text: str) -> Path:
        """Write a small artefact (``logcat.txt``, ``exit-info.txt``, ...) and return its path."""
        path = self.path / safe_name(name)
        write_bytes(path, text.encode("utf-8", "replace"))
        return path

    def write_result(self, result: AttemptResult) -> None:
        """Write ``result.json``: the attempt is complete once this returns."""
        write_bytes(self.result_path, (result.model_dump_json(indent=1) + "\n").encode())

    def result(self) -> AttemptResult:
        """Read ``result.json``; its notes say besides which values of the samples are none.

        Raises:
            StoreError: It is missing, of a newer format, or not a result.
        """
        with said(self.result_path, "read"):
            data = self.result_path.read_bytes()
        result = read_json(AttemptResult, data, self.result_path, "a result")
        found = self._doubts()
        return result.model_copy(update={"notes": (*result.notes, *found)}) if found else result

    def _doubts(self) -> tuple[str, ...]:
        """Return which values of the samples are none; a file that cannot be read says nothing."""
        try:
            with pq.ParquetFile(self.samples_path) as file:
                return doubts(file, all_columns())
        except (OSError, pa.ArrowException):
            return ()


class RunFolder:
    """One run on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, root: Path, run_id: str) -> RunFolder:
        """Make ``root/<run-id>``.

        Raises:
            StoreError: It exists already or cannot be made.
        """
        path = root / safe_name(run_id)
        with said(path, "make the run folder"):
            path.mkdir(parents=True)
            (path / "attempts").mkdir()
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Open an existing run folder.

        Raises:
            InputError: There is none at ``path``.
        """
        if not (path / "run.json").is_file():
            raise InputError(
                "not a run folder (no run.json)",
                where=str(path),
                hint="`harness run` makes one below runs/.",
            )
        return cls(path)

    @property
    def run_id(self) -> str:
        """The folder's own name."""
        return self.path.name

    @property
    def ledger_path(self) -> Path:
        """The ledger (sqlite)."""
        return self.path / "ledger.sqlite"

    @property
    def record_path(self) -> Path:
        """``run.json``."""
        return self.path / "run.json"

    @property
    def report_path(self) -> Path:
        """The HTML report."""
        return self.path / "report" / "index.html"

    def write_record(self, record: RunRecord) -> None:
        """Write ``run.json``."""
        write_bytes(self.record_path, (record.model_dump_json(indent=1) + "\n").encode())

    def record(self) -> RunRecord:
        """Read ``run.json``.

        Raises:
            StoreError: It is of a newer format, or not a run record.
        """
        with said(self.record_path, "read"):
            data = self.record_path.read_bytes()
        return read_json(RunRecord, data, self.record_path, "a run")

    def attempt(self, job_id: str, attempt: int) -> AttemptFolder:
        """Return the folder of one attempt (which may not exist yet)."""
        if attempt < 1:
            raise ValueError(f"attempts count from 1, not {attempt}")
        path = self.path / "attempts" / safe_name(job_id) / str(attempt)
        return AttemptFolder(path, job_id, attempt)

    def attempts(self) -> Iterator[AttemptFolder]:
        """Yield the folders of all attempts that have a result, by job and attempt number."""
        folders = [
            path.parent
            for path in (self.path / "attempts").glob("*/*/result.json")
            if path.parent.name.isdecimal()
        ]
        for folder in sorted(folders, key=lambda path: (path.parent.name, int(path.name))):
            job_id = _peek(folder / "result.json").get("job_id", folder.parent.name)
            yield AttemptFolder(folder, str(job_id), int(folder.name))

    def results(self) -> list[AttemptResult]:
        """Read all results, by job and attempt number.

        Raises:
            StoreError: One of them is damaged.
        """
        return [folder.result() for folder in self.attempts()]

    def last_results(self) -> list[AttemptResult]:
        """Return the last attempt of every job: what the job came to."""
        last: dict[str, AttemptResult] = {}
        for result in self.results():
            last[result.job_id] = result
        return list(last.values())


def _write_rows(path: Path, rows: Iterable[Record]) -> None:
    text = "".join(row.model_dump_json() + "\n" for row in rows)
    write_bytes(path, text.encode())


def _read_rows(path: Path, kind: type[Row]) -> Rows[Row]:
    if not path.exists():
        return Rows()
    with said(path, "read"):
        lines = path.read_bytes().split(b"\n")
    rows: list[Row] = []
    damaged: list[str] = []
    for number, line in enumerate(lines, 1):
        # what follows the last newline is nothing, or a line that was cut off
        if number == len(lines) and not line:
            break
        try:
            rows.append(kind.model_validate_json(line))
        except ValidationError as error:
            told = error.errors()[0]
            where = ".".join(map(str, told["loc"]))
            why = f"{where}: {told['msg']}" if where else told["msg"]
            damaged.append(f"{path}:{number}: this line is left out: {why}")
    return Rows(rows, damaged)


def _peek(path: Path) -> dict[str, Any]:
    try:
        raw = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return raw if isinstance(raw, dict) else {}
