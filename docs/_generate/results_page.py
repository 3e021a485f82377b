"""The result format: folders, result.json, samples and events, from the models that write them."""

from __future__ import annotations

import inspect

from pydantic import BaseModel

from docs._generate import glossary
from docs._generate.fields import Row, rows, table
from harness.contract import EVENT_TYPES
from harness.contract.events import Hypothesis
from harness.readings.declared import Column
from harness.readings.own_columns import OWN_COLUMNS
from harness.readings.sampled import own_readings
from harness.results import model, run
from harness.results.store import HypothesisRow

RUN_FILES: dict[str, str] = {
    "run.json": "what the run was asked to do, with what, on what; see below",
    "harness.log": "what happened, with phone and attempt (`harness status RUN --log`); text, UTC",
    "harness.log.*": "older pieces of it, `.3` the oldest",
    "ledger.sqlite": "the queue: tasks, their parents, attempts, leases; the coordinator's own",
    "tasks/TASK/": "of a task on the host: `result.json` and its files, whole or not at all",
    ".lock": "held by the process that runs or resumes the run",
    "report/index.html": "the page, from `harness run` and `harness report`",
    "report/junit.xml": "jobs and expectations as JUnit, beside it",
    "report/nightly.xml": "of `harness nightly`: the same, and a case a figure and phone",
    "report/compare.html": "of `harness nightly`: what differs from the night before",
    "csv/": "of `harness export csv`: one file a table",
    "nightly.json": "of `harness nightly`: the verdict",
}
"""File of a run folder -> who writes it and what for."""

ATTEMPT_FILES: dict[str, str] = {
    "result.json": "the result, written last: where it lies, all else lies too",
    "events.jsonl": "the trainer's event log, byte for byte as on the phone",
    "samples.parquet": "one row a second",
    "hypotheses.jsonl": "each validation utterance of each epoch: said, heard, scored by the host",
    "pressure.jsonl": "what the pressure did, as it goes: from it a resumed run goes on",
    "checkpoint.npz": "the weights that were kept; none if no epoch was better than the baseline",
    "job.json": "what the trainer was told",
    "attempt.json": "what a resumed run needs to take the attempt up",
    "logcat.txt": "the phone's log during the attempt",
    "exit-info.txt": "what Android says of how the trainer ended, where it does",
    "trace.perfetto-trace": "of `harness export perfetto`",
}
"""File of ``attempts/JOB/N`` -> what it is."""

_HEAD = """\
# Result format

A run is one folder; small files are replaced atomically, `result.json` of an attempt comes last.
All of it is plain JSON, JSON lines, Parquet and SQLite: [reports](../reports.md) shows how to read
it from Python, DuckDB or MLflow.

Sizes named `_mb` are MiB. Times named `_s` are seconds since the attempt's first sample unless a
field says otherwise; times named `t_boot_ms` are the phone's boot clock (`/proc/uptime`). Percent
"of one core" may exceed 100. What a phone did not tell is null, never zero.

This page is made from the models that write these files, when the site is built.

## How the format grows

`run.json`, `result.json` and `samples.parquet` carry one number, the version of their format
(`version`; in Parquet the file's metadata `mobileasr_lab.samples_version`; a file without one is of
version 1). The rule:

- **Within a version a file only grows.** A field or column may be added. None is taken away, and
  none changes its name, type, unit or meaning; a field of fixed words gets no new word.
- **An older file** lacks what came later: a new field has its default, a new column is null.
- **A newer file** of the same version has fields and columns that are unknown here: they are kept,
  also when the file is written again, and `harness export` and `harness.open_run` show them.
- **Anything else raises the version.** A file of a newer version than this harness knows is
  refused with one error that names the file; older versions stay readable.
"""
_EVENTS = """\
One JSON object a line, version 2 of the contract between host and trainer. `seq` counts from 0
without gaps; a line counts once its newline is there. A log ends with `finished` or `error`. The
trainer of `apk/` and the Python one write the same; the JSON schemas lie in
`harness/contract/schemas`.
"""
RUN = (run.RunRecord, run.PlanRecord, run.HostRecord)
RESULT = (
    model.AttemptResult,
    model.PhoneRecord,
    model.CapabilitiesRecord,
    model.SelectionRecord,
    model.EpochRecord,
    model.PhaseRecord,
    model.PressureRecord,
    model.KillRecord,
    model.TransferRecord,
    model.SamplingRecord,
    model.GateRecord,
    model.FailureRecord,
)


def page() -> str:
    """Return the page in Markdown."""
    parts = [
        _HEAD,
        "## The folder\n",
        "```text\nruns/RUN/\n  attempts/JOB/N/     N = 1, 2, ...\n```\n",
    ]
    parts.append(table(("in `runs/RUN/`", ""), _files(RUN_FILES)) + "\n")
    parts.append(table(("in `attempts/JOB/N/`", ""), _files(ATTEMPT_FILES)) + "\n")
    parts += ["## run.json\n", *_models(RUN)]
    parts += ["## result.json\n", *_models(RESULT)]
    parts += ["## hypotheses.jsonl\n", _fields(HypothesisRow) + "\n"]
    parts += ["## samples.parquet\n", _samples() + "\n"]
    parts += [
        "## events.jsonl\n",
        _EVENTS,
    ]
    for event in EVENT_TYPES:
        name = event.model_fields["type"].default
        parts += [f"### {name}\n", f"{_doc(event)}\n", _fields(event) + "\n"]
    parts += ["### A hypothesis\n", f"{_doc(Hypothesis)}\n", _fields(Hypothesis) + "\n"]
    return "\n".join(parts)


def _files(files: dict[str, str]) -> list[tuple[str, str]]:
    return [(f"`{name}`", sentence(what)) for name, what in files.items()]


def _models(models: tuple[type[BaseModel], ...]) -> list[str]:
    parts = []
    for number, one in enumerate(models):
        if number:
            parts.append(f"### {one.__name__} {{ #{one.__name__.lower()} }}\n")
            parts.append(f"{_doc(one)}\n")
        parts.append(_fields(one) + "\n")
    return parts


def _doc(one: type[BaseModel]) -> str:
    return " ".join((inspect.getdoc(one) or "").split())


def _fields(one: type[BaseModel]) -> str:
    links = {other.__name__: f"#{other.__name__.lower()}" for other in (*RUN[1:], *RESULT[1:])}
    links["Hypothesis"] = "#a-hypothesis"
    lines = [
        (f"`{row.name}`", row.type + " or null" * row.nullable, sentence(meaning(one, row)))
        for row in rows(one, links)
    ]
    return table(("field", "type", "meaning"), lines)


def meaning(one: type[BaseModel], row: Row) -> str:
    """Return what a field means: the text under it, else that of the glossary, else nothing."""
    shared = glossary.MEANINGS
    return row.meaning or shared.get(f"{one.__name__}.{row.name}") or shared.get(row.name, "")


def sentence(text: str) -> str:
    """Return a text as a sentence."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _samples() -> str:
    own = [column for reading in own_readings() for column in reading.columns]
    lines = [
        (f"`{one.name}`", one.type, _bounds(one), sentence(one.meaning))
        for one in (*OWN_COLUMNS, *own)
    ]
    told = "A value out of its bounds is no measurement, and null.\n\n"
    return told + table(("column", "type", "bounds", "meaning"), lines)


def _bounds(column: Column) -> str:
    if column.bounds is None:
        return "–"
    return f"{column.bounds.least:,.0f} to {column.bounds.most:,.0f}"
