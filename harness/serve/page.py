"""The live page: the same HTML whole, for a browser that opens it, or its parts, to be renewed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

from markupsafe import Markup

from harness.paths import data_root
from harness.report.page import chrome, environment
from harness.report.sub_models import RankedSubModel
from harness.report.werr import AVERAGES
from harness.report.words import STOP_WORDS
from harness.results.networks import network_of
from harness.serve.facts import Ended, RunBrief, Running, RunState
from harness.serve.figures import curves

SHOWN = 200
"""So many results are listed; the report has all."""

_STAGES = {
    "running": "running",
    "finished": "finished",
    "interrupted": "interrupted",
    "silent": "nothing heard of its host",
}


SORTS: Mapping[str, tuple[str, Callable[[RunBrief], Any]]] = {
    "started": ("run", lambda run: run.started_utc),
    "title": ("title", lambda run: run.title.casefold()),
    "state": ("state", lambda run: run.stage),
    "done": ("jobs", lambda run: run.done / run.total if run.total else None),
    "wer": ("WER after, %", lambda run: run.wer_percent),
    "duration": ("time", lambda run: run.seconds),
    "verdict": ("verdict", lambda run: run.verdict or None),
    "origin": ("origin", lambda run: run.origins),
}
"""What the list of runs is sorted by -> head of its column, and the key; None comes last."""


def runs_page(
    runs: Sequence[RunBrief], part: bool = False, sort: str = "started", up: bool = False
) -> str:
    """Return the page of all runs, or only what changes on it.

    Args:
        runs: The runs.
        part: Only what changes.
        sort: One of `SORTS`; anything else is the first.
        up: The lowest first.
    """
    sort = sort if sort in SORTS else "started"
    key = SORTS[sort][1]
    known = sorted((run for run in runs if key(run) is not None), key=key, reverse=not up)
    rest = [run for run in runs if key(run) is None]
    heads = [(name, head) for name, (head, _) in SORTS.items()]
    return _render(
        "live_runs.html.j2", "Runs", part, runs=[*known, *rest], heads=heads, sort=sort, up=up
    )


def run_page(run: RunState, alone: bool, part: bool = False) -> str:
    """Return the page of one run, or only what changes on it.

    Args:
        run: The run.
        alone: There are no other runs to go back to.
        part: Only what changes.
    """
    return _render(
        "live_run.html.j2",
        run.title,
        part,
        run=run,
        alone=alone,
        ranked=partial(_ranked, run),
        figures=[
            curves(attempt, _ranked(run, attempt).role, f"r{number}")
            for number, attempt in enumerate(run.running, 1)
        ],
        exits=any(ended.rule for ended in run.ended[:SHOWN]),
        streaming=any(ended.real_time_factor is not None for ended in run.ended[:SHOWN]),
        shown=SHOWN,
        stop_words=STOP_WORDS,
        averages=AVERAGES,
    )


def _ranked(run: RunState, attempt: Running | Ended) -> RankedSubModel:
    """Return an attempt's sub-model; one that goes on does not say of which model it is."""
    older = network_of({}).sub_model_names
    if isinstance(attempt, Ended):
        return RankedSubModel.of(attempt.sub_model, run.sub_models.get(attempt.model, older))
    orders = (*run.sub_models.values(), older)
    order = next((names for names in orders if attempt.sub_model in names), ())
    return RankedSubModel.of(attempt.sub_model, order)


@cache
def _chrome() -> dict[str, Any]:
    css = (data_root() / "reports" / "static" / "live.css").read_text(encoding="utf-8")
    context = chrome("live.js")
    return {**context, "css": context["css"] + Markup(css)}  # noqa: S704 - our own file


def _render(name: str, title: str, part: bool, **values: Any) -> str:
    body = environment().get_template(name).render(stages=_STAGES, **values)
    if part:
        return body
    # the body was escaped where it was made
    page = environment().get_template("live.html.j2")
    return page.render(title=title, body=Markup(body), **_chrome())  # noqa: S704
