"""The page: views and figures put into the templates of ``reports/templates``."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from harness.paths import data_root
from harness.report import (
    axes,
    cost,
    decisions,
    numbers,
    outcome,
    settings,
    style,
    text,
    trouble,
    trust,
    words,
)
from harness.report.expect import check_all
from harness.report.facets import Facets
from harness.report.figures.against import against
from harness.report.figures.need import need_scatter
from harness.report.figures.selection import selection
from harness.report.figures.timeline import timeline
from harness.report.figures.wer import wer_panel
from harness.report.load import Attempt, RunData
from harness.report.memory import need_rows
from harness.results.files import StoreError

OPEN_STRIPS = 6
"""Up to so many strips are all open; beyond, one of each sub-model is."""
POINTS = 20_000
"""Buckets of all strips together: with many attempts each strip is drawn more coarsely."""
HEARD_UP_TO = 60
"""With more attempts than this, what the models heard stays in the run folder."""
HEARD_ROWS = 20


@dataclass(frozen=True)
class Heard:
    """One utterance before training and at the kept epoch."""

    id: str
    reference: str
    before: str
    after: str


@dataclass(frozen=True)
class Strip:
    """One attempt as section 3 shows it."""

    attempt: Attempt
    use: cost.Use
    figure: Markup | None
    opened: bool
    heard: tuple[Heard, ...]
    heard_total: int
    settings: tuple[tuple[str, str], ...]


def render(data: RunData) -> str:
    """Return the report of a run as one HTML document."""
    with style.drawing():
        context = _context(data)
    return _environment().get_template("report.html.j2").render(context)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(data_root() / "reports" / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_clean,
    )
    environment.filters.update(
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
    )
    return environment


def _clean(value: Any) -> Any:
    """Make every text of the page harmless before it is escaped."""
    return text.clean(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _static(name: str) -> str:
    return (data_root() / "reports" / "static" / name).read_text(encoding="utf-8")


def _context(data: RunData) -> dict[str, Any]:
    final = data.final
    small = outcome.small_multiples(final)
    chosen = decisions.decisions(data.attempts, decisions.candidates_of(data.record.scenario))
    script = _static("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    strips, problems = _strips(data)
    facets = Facets.of(data.attempts)
    return {
        "data": data,
        "record": data.record,
        "final": final,
        "headline": words.headline(data),
        "state": words.state_in_words(data),
        "origins": words.origins(data),
        "origin_words": words.ORIGIN_WORDS,
        "phones_in_words": words.phones_in_words(data),
        "run_seconds": words.run_seconds(data),
        "speakers": sorted({one.result.speaker for one in data.attempts}),
        "models": sorted({one.result.model_name for one in data.attempts}),
        "checks": check_all(data.record.scenario.get("expect") or (), final),
        "problems": (*data.problems, *problems),
        "sub_models": _present(data.attempts),
        "markers": _marker_paths(),
        "panels": [
            (panel, wer_panel(panel, small.wer_max, small.epoch_max)) for panel in small.panels
        ],
        "changes": (changes := outcome.changes(final)),
        "repeated": any(len(one.attempts) > 1 for one in changes),
        "choices": [choice for one in chosen for choice in one.choices],
        "against": _against(final),
        "decisions": [(one, selection(one, str(number))) for number, one in enumerate(chosen, 1)],
        "strips": strips,
        "phase_costs": cost.phase_costs(data.attempts),
        "needs": (needs := cost.needs(final)),
        "need_rows": need_rows(needs, data.record.models, data.record.scenario),
        "need_figure": need_scatter(needs, "all") if needs else None,
        "serials_tell": facets.serials,
        "phases_present": _phases(data.attempts),
        "groups": trouble.failure_groups(data.attempts),
        "kind_meaning": words.KIND_MEANING,
        "kills": trouble.kills(data.attempts),
        "stop_words": words.STOP_WORDS,
        "phones": trust.phones(data),
        "gates": trust.notable_gates(data),
        "seeds": trust.seeds(data.record.scenario),
        "notes": trust.notes(data),
        "command": trust.command_line(data),
        "modelled": trust.MODELLED if "virtual" in words.origins(data) else (),
        "facets": facets.titles,
        "attributes": facets.of_attempt,
        "group_attributes": facets.of_group,
        "shown": axes.shown,
        "label_of": axes.label_of,
        "css": Markup(_css()),  # noqa: S704 - our own files and constants
        "script": Markup(script),  # noqa: S704
        "script_hash": f"sha256-{digest}",
    }


def _css() -> str:
    light, dark = style.css_variables(style.LIGHT), style.css_variables(style.DARK)
    return (
        f":root{{{light}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
        + _static("report.css")
    )


def _present(attempts: Sequence[Attempt]) -> list[str]:
    found = {one.sub_model for one in attempts if one.sub_model}
    return sorted(found, key=outcome.sub_model_rank)


def _phases(attempts: Sequence[Attempt]) -> list[str]:
    found = {phase.phase for one in attempts for phase in one.result.phases}
    return [name for name in style.PHASES if name in found]


def _marker_paths() -> dict[str, str]:
    """Return each sub-model's marker as an SVG path around (0, 0), for keys in the text."""
    from matplotlib.markers import MarkerStyle

    paths = {}
    for name, shape in style.MARKERS.items():
        marker = MarkerStyle(shape)
        outline = marker.get_path().transformed(marker.get_transform())
        corners = np.asarray(outline.to_polygons()[0]) * (9.0, -9.0)
        paths[name] = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners.tolist())
    return paths


def _against(final: Sequence[Attempt]) -> list[tuple[settings.Row, list[tuple[Any, Markup]]]]:
    return [
        (row, [(view, against(view, f"{number}-{n}")) for n, view in enumerate(row.drawn, 1)])
        for number, row in enumerate(settings.against_settings(final), 1)
    ]


def _strips(data: RunData) -> tuple[list[Strip], list[str]]:
    attempts = data.attempts
    facets = [axis.path for axis in axes.varying(attempts)]
    facets = [path for path in facets if path not in _TOLD]
    buckets = min(420, max(40, POINTS // max(1, len(attempts))))
    strips: list[Strip] = []
    problems: list[str] = []
    opened: set[str | None] = set()
    for one in attempts:
        try:
            samples = one.read_samples()
            heard, total = _heard(one) if len(attempts) <= HEARD_UP_TO else ((), 0)
        except StoreError as error:
            problems.append(str(error))
            samples, heard, total = one.no_samples(), (), 0
        view = cost.timeline(one, samples, buckets)
        result = one.result
        title = f"Attempt {result.attempt} of {text.one_line(result.job_id, 60)}"
        strips.append(
            Strip(
                attempt=one,
                use=cost.use_of(one, samples),
                figure=timeline(view, one.sub_model, one.key, title) if view else None,
                opened=len(attempts) <= OPEN_STRIPS
                or (one.finished and one.sub_model not in opened),
                heard=heard,
                heard_total=total,
                settings=tuple(
                    (axes.label_of(path), axes.shown(axes.value_at(one, path))) for path in facets
                ),
            )
        )
        if one.finished:
            opened.add(one.sub_model)
    return strips, problems


_TOLD = (axes.SUB_MODEL, axes.SPEAKER, axes.PROFILE, "trainer.batch_size")
"""Settings that have a column of their own."""


def _heard(one: Attempt) -> tuple[tuple[Heard, ...], int]:
    rows = one.read_hypotheses()
    before = {row.id: row for row in rows if row.epoch == 0}
    after = {row.id: row for row in rows if row.epoch == one.result.kept_epoch}
    both = [
        Heard(key, row.reference, row.hypothesis, after[key].hypothesis)
        for key, row in before.items()
        if key in after
    ]
    return tuple(both[:HEARD_ROWS]), len(both)
