"""The page: views and figures put into the templates of ``reports/templates``."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from harness.paths import data_root
from harness.report import (
    axes,
    changed,
    cost,
    decisions,
    heat,
    numbers,
    outcome,
    settings,
    style,
    text,
    trouble,
    trust,
    wer,
    words,
)
from harness.report.answer import KeyFigure, key_figures
from harness.report.energy import energy_rows
from harness.report.expect import Check, check_all
from harness.report.extra_figures import extra_figures
from harness.report.facets import Facets
from harness.report.figures.against import against
from harness.report.figures.need import need_scatter
from harness.report.figures.selection import selection
from harness.report.figures.shapes import points
from harness.report.figures.wer import wer_panel
from harness.report.load import Attempt, RunData
from harness.report.memory import NeedRow, need_rows
from harness.report.skipped import SkippedGroup, retry_command, skipped_groups
from harness.report.strips import MANY, strips_of
from harness.report.sub_models import mark_id
from harness.results.run import RunRecord
from harness.results.wer_interval import METHOD


@dataclass(frozen=True)
class RunView:
    """What the page says of one run as a whole."""

    data: RunData
    record: RunRecord
    headline: str
    state: str
    phones: str
    seconds: float | None
    speakers: tuple[str, ...]
    models: tuple[str, ...]
    checks: tuple[Check, ...]
    key_figures: tuple[KeyFigure, ...]
    skipped: tuple[SkippedGroup, ...]
    retry: str
    command: str
    seeds: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, data: RunData) -> RunView:
        """Put a run into words."""
        scenario = data.record.scenario
        checks = check_all(scenario.get("expect") or (), data.final)
        return cls(
            data=data,
            record=data.record,
            headline=words.headline(data),
            state=words.state_in_words(data),
            phones=words.phones_in_words(data),
            seconds=words.run_seconds(data),
            speakers=tuple(sorted({one.result.speaker for one in data.attempts})),
            models=tuple(sorted({one.result.model_name for one in data.attempts})),
            checks=checks,
            key_figures=key_figures(data, checks),
            skipped=skipped_groups(data.skipped),
            retry=retry_command(data.record.run_id),
            command=trust.command_line(data),
            seeds=trust.seeds(scenario),
        )


def render(runs: Sequence[RunData]) -> str:
    """Return the report of one or several runs as one HTML document."""
    return environment().get_template("report.html.j2").render(_context(runs))


def environment() -> Environment:
    """Return the templates with the filters that they use."""
    found = Environment(
        loader=FileSystemLoader(data_root() / "reports" / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_clean,
    )
    found.filters.update(
        fixed=numbers.fixed,
        signed=numbers.signed,
        plain=numbers.plain,
        duration=numbers.duration,
        minutes=numbers.minutes,
        size=numbers.size,
        when=numbers.when,
        plural=text.plural,
        yaml=trust.as_yaml,
        flat=trust.flat,
        interval=wer.interval_text,
        counts=wer.counts_text,
    )
    return found


def _clean(value: Any) -> Any:
    """Make every text of the page harmless before it is escaped."""
    return text.clean(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def chrome(script_name: str = "report.js") -> dict[str, Any]:
    """Return what every page of ours carries: style sheet, script and its hash, marks."""
    script = _static(script_name)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return {
        "css": Markup(_css()),  # noqa: S704 - our own files and constants
        "script": Markup(script),  # noqa: S704
        "script_hash": f"sha256-{digest}",
        "marks": {
            mark_id(shape): points(shape, 9.0) for shape in (*style.MARKERS, style.NO_MARKER)
        },
    }


def _static(name: str) -> str:
    return (data_root() / "reports" / "static" / name).read_text(encoding="utf-8")


def _css() -> str:
    light, dark = style.css_variables(style.LIGHT), style.css_variables(style.DARK)
    return (
        f":root{{{light}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
        + _static("report.css")
    )


def _context(runs: Sequence[RunData]) -> dict[str, Any]:
    attempts = tuple(one for run in runs for one in run.attempts)
    final = tuple(one for run in runs for one in run.final)
    views = [RunView.of(run) for run in runs]
    several = len(views) > 1
    small = outcome.small_multiples(final)
    chosen = [
        one
        for run in runs
        for one in decisions.decisions(
            run.attempts, decisions.candidates_of(run.record.scenario)
        )
    ]  # fmt: skip
    strips, unreadable = strips_of(attempts)
    facets = Facets.of(attempts)
    origins = words.origins(runs)
    needs = cost.needs(final)
    more, failed = extra_figures(attempts)
    return {
        **chrome(),
        "runs": views,
        "several": several,
        "ended": all(run.record.finished_utc is not None for run in runs),
        "title": words.title_of(runs),
        "summary": words.summary_of(attempts) if several else "",
        "origins": origins,
        "origin_words": words.origin_words(runs),
        "differences": changed.differences(runs) if several else (),
        "beside": changed.beside(runs) if several else (),
        "metrics": changed.METRICS,
        "problems": (*(told for run in runs for told in run.problems), *unreadable, *failed),
        "more": more,
        "panels": [(panel, wer_panel(panel, small)) for panel in small.panels],
        "changes": (changes := outcome.changes(final)),
        "interval_method": METHOD,
        "repeated": any(len(one.attempts) > 1 for one in changes),
        "heat": (mapped := heat.heat(final, facets)),
        "heat_title": heat.title_of(mapped) if mapped else "",
        "heat_first": _attributes_of(mapped, facets),
        "heat_figures": [(one.key, one.label, one.digits) for one in heat.FIGURES],
        "heat_values": heat.values_of,
        "choices": [choice for one in chosen for choice in one.choices],
        "against": _against(final),
        "decisions": [(one, selection(one, str(number))) for number, one in enumerate(chosen, 1)],
        "strips": strips,
        "brief": len(attempts) > MANY,
        "energy": energy_rows([(one.attempt, one.energy) for one in strips]),
        "phase_costs": cost.phase_costs(attempts),
        "needs": needs,
        "need_rows": _need_rows(runs),
        "need_figure": need_scatter(needs, "all") if needs else None,
        "serials_tell": facets.serials,
        "phases_present": _phases(attempts),
        "groups": trouble.failure_groups(attempts),
        "kind_meaning": words.KIND_MEANING,
        "kills": trouble.kills(attempts),
        "stop_words": words.STOP_WORDS,
        "phones": trust.phones(runs),
        "gates": trust.notable_gates(attempts),
        "notes": trust.notes(runs),
        "trainers": trust.trainers(runs),
        "modelled": trust.MODELLED if "virtual" in origins else (),
        "facets": facets.titles,
        "attributes": facets.of_attempt,
        "group_attributes": facets.of_group,
        "shown": axes.shown,
    }


def _attributes_of(view: heat.Heat | None, facets: Facets) -> list[str]:
    """Return the attributes that hold the first map's rows and columns, for the script."""
    names = {path: name for name, path in facets.paths}
    return [names[view.rows.path], names[view.columns.path], view.figure.key] if view else []


def _need_rows(runs: Sequence[RunData]) -> list[NeedRow]:
    return [
        row
        for run in runs
        for row in need_rows(cost.needs(run.final), run.record.models, run.record.scenario)
    ]


def _phases(attempts: Sequence[Attempt]) -> list[str]:
    found = {phase.phase for one in attempts for phase in one.result.phases}
    return [name for name in style.PHASES if name in found]


def _against(final: Sequence[Attempt]) -> list[tuple[settings.Row, list[tuple[Any, Markup]]]]:
    return [
        (row, [(view, against(view, f"{number}-{n}")) for n, view in enumerate(row.drawn, 1)])
        for number, row in enumerate(settings.against_settings(final), 1)
    ]
