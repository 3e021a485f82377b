"""``harness status``: where a run stands."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group
from rich.live import Live
from rich.text import Text

from harness.cli import console
from harness.cli.complete import run_names
from harness.cli.ending import result_row, results_table
from harness.cli.exits_table import leaving_lines
from harness.cli.options import JsonOption, RunsOption
from harness.cli.phones_table import epoch_words, job_words, short_serials
from harness.cli.runs import RUN_ROOT, run_folder
from harness.devices.unmet import some_of
from harness.errors import InputError
from harness.lab import status as read_status
from harness.lab.ledger.tables import WITHDRAWN
from harness.log import NAME, read_log
from harness.report.numbers import duration, fixed
from harness.scenario.paths import axis_words
from harness.serve.facts import ClientState, RoundState, RunState
from harness.serve.state import RunWatch

app = typer.Typer()

WATCH_S = 2.0
_OVER = ("finished", "interrupted")


@app.command()
def status(
    run: Annotated[
        Path,
        typer.Argument(
            help="A run folder, the name of a run, or `latest`.", autocompletion=run_names
        ),
    ] = Path("latest"),
    runs: RunsOption = RUN_ROOT,
    watch: Annotated[
        bool, typer.Option("--watch", help="Renew it every two seconds until the run is over.")
    ] = False,
    log: Annotated[
        bool, typer.Option("--log", help="Show the run's log instead, oldest record first.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show a run's jobs, phones and running attempts; may be asked while it runs.

    With --json: everything as one document; with --watch or --log: one line a change or record.
    """
    folder = run_folder(run, runs)
    if log:
        if watch:
            raise InputError("--log and --watch do not go together", where="--watch")
        _log(folder, as_json)
        return
    if watch:
        with contextlib.suppress(KeyboardInterrupt):
            _watch(RunWatch(folder), as_json)
        return
    state = RunWatch(folder).state()
    if as_json:
        found = read_status(folder)
        console.emit_json(
            {
                "run": state.run_id,
                **state.model_dump(mode="json", exclude={"run_id", "ended"}),
                "tasks": [dataclasses.asdict(row) for row in found.tasks],
                "leases": [dataclasses.asdict(row) for row in found.leases],
                "attempts": [dataclasses.asdict(row) for row in found.attempts],
                "results": [result_row(result) for result in found.results],
            }
        )
        return
    target = console.sized()
    target.print(_shown(state, target.width))
    found = read_status(folder)
    if found.results:
        results_table(found.results)
    dropped: dict[tuple[str, str], list[str]] = {}
    for row in found.tasks:
        if row.state == "skipped":
            dropped.setdefault((row.standing, row.reason), []).append(row.task_id)
    for (standing, reason), jobs in dropped.items():
        console.say(f"{standing} {some_of(jobs, 4)}: {reason.removeprefix(WITHDRAWN)}")


def _log(folder: Path, as_json: bool) -> None:
    if not any(folder.glob(f"{NAME}*")):
        raise InputError(
            "this run has no log", where=str(folder / NAME), hint="Runs have one since 0.2.0."
        )
    for line in read_log(folder):
        if as_json:
            console.emit_line(line.as_dict())
        else:
            console.say(line.text)


def _watch(run: RunWatch, as_json: bool) -> None:
    if as_json:
        before = None
        while True:
            state = run.state()
            told = state.model_dump(mode="json", exclude={"ended"})
            if told != before:
                console.emit_line({**told, "ended": len(state.ended)})
            if state.stage in _OVER:
                return
            before = told
            time.sleep(WATCH_S)
    with Live(console=console.out, auto_refresh=False) as live:
        while True:
            state = run.state()
            live.update(_shown(state, console.out.width), refresh=True)
            if state.stage in _OVER:
                return
            time.sleep(WATCH_S)


def _shown(state: RunState, width: int) -> Group:
    counts = ", ".join(f"{n} {name}" for name, n in sorted(state.counts.items())) or "no jobs"
    words = {
        "silent": "nothing heard of its host for three minutes; if it is gone: harness resume",
        "interrupted": "interrupted; go on with: harness resume",
    }
    head = f"{state.run_id}: {words.get(state.stage, state.stage)}, started {state.started_utc}"
    todo = [f"to do: {', '.join(state.queue[:5])}"] if state.queue else []
    if state.queued > 5:
        todo[0] += f" and {state.queued - 5} more"
    table = console.shown_table(*phone_columns(state), width)
    rounds = round_lines(state.round) if state.round else []
    left = leaving_lines(state.running, short_serials(phone.serial for phone in state.phones))
    return Group(Text(head), Text(counts), *map(Text, rounds), table, *map(Text, [*left, *todo]))


def round_lines(round_: RoundState) -> list[str]:
    """Return how the round of a federated training stands, a line a kind of client."""
    of = f" of {round_.of}" if round_.of else ""
    doing = {
        "trains": "clients train",
        "aggregates": "the host makes a model of the answers",
        "evaluates": "clients evaluate its model, {} of {} have".format(*round_.evaluations),
        "ended": "its model is there",
    }[round_.part]
    asked = f"{round_.answered} of {len(round_.clients)} answered; " if round_.clients else ""
    rate = f"; mean WER {fixed(round_.rates[-1][1], 1)} %" if round_.rates else ""
    lines = [f"round {round_.number}{of}: {asked}{doing}{rate}"]
    for state in ("trains", "waits", "late", "lost"):
        names = [_client_words(client) for client in round_.clients if client.state == state]
        if state == "late":
            names += [f"{late.client} (round {late.round})" for late in round_.late]
        if names:
            lines.append(f"  {state}: {some_of(names, 6)}")
    return lines


def _client_words(client: ClientState) -> str:
    words = [client.step or client.why]
    if client.seconds is not None:
        words.append(duration(client.seconds))
    told = ", ".join(word for word in words if word)
    return f"{client.client} ({told})" if told else client.client


def phone_columns(state: RunState) -> tuple[list[console.Column], list[list[str]]]:
    """Return the columns and rows of the phones of a run."""
    running = {attempt.serial: attempt for attempt in state.running}
    serials = short_serials(phone.serial for phone in state.phones)
    columns = [
        console.Column("phone"),
        console.Column("state"),
        console.Column("job"),
        console.Column("doing"),
        console.Column("epoch", right=True),
        console.Column("WER %", right=True),
        console.Column("battery\n%", right=True, optional=True),
        console.Column("available\nMiB", right=True, optional=True),
    ]
    rows: list[list[str]] = []
    for phone in state.phones:
        attempt = running.get(phone.serial)
        step, epoch, wer = phone.step or "", "", ""
        job = phone.job_id or ""
        if attempt is not None:
            job = job_words(axis_words(attempt.axes), attempt.job_id, named=False)
            phase = f": {attempt.phase}" if attempt.phase not in (None, step) else ""
            step = f"{step}{phase} ({duration(attempt.seconds)})"
            epoch = epoch_words(attempt.epoch, attempt.epochs)
            wer = f"{attempt.wer_percent[-1][1]:.1f}" if attempt.wer_percent else ""
        battery, available = phone.battery_percent, phone.available_mb
        rows.append(
            [
                serials[phone.serial],
                phone.state,
                job,
                step,
                epoch,
                wer,
                "" if battery is None else fixed(battery),
                "" if available is None else fixed(available),
            ]
        )
    return columns, rows
