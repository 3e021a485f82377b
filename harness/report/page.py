"""The page: views and figures put into the templates of ``reports/templates``."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from harness.paths import data_root
from harness.report import numbers, style, text, trust, wer, words
from harness.report.figures.shapes import points
from harness.report.load import RunData
from harness.report.overlay import looks_of
from harness.report.page_data import PageData
from harness.report.section import Section
from harness.report.sections import sections
from harness.report.sub_models import RankedSubModel, mark_id


def render(runs: Sequence[RunData]) -> str:
    """Return the report of one or several runs as one HTML document."""
    page = PageData(tuple(runs))
    shared = _shared(page)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            **chrome("report.js", "picker.js"),
            **shared,
            picker=picker(page.runs),
            title=words.title_of(runs),
            key_figures=page.key_figures,
            origin_words=words.origin_words(runs),
            facets=page.facets.titles,
            orders=page.facets.orders(page.attempts),
            sections=_bodies(page, shared),
        )
    )


@cache
def environment() -> Environment:
    """Return the templates with the filters that they use; each is compiled once a process."""
    templates = Environment(
        loader=FileSystemLoader(data_root() / "reports" / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_clean,
    )
    templates.filters.update(
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
    return templates


def _clean(value: Any) -> Any:
    """Make every text of the page harmless before it is escaped."""
    return text.clean(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def chrome(*scripts: str) -> dict[str, Any]:
    """Return what every page of ours carries: style sheet, script and its hash, marks.

    Args:
        scripts: Files of ``reports/static`` that make the page's one script.
    """
    script = "".join(map(_static, scripts))
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


def picker(
    runs: Sequence[RunData], picked: Collection[int] | None = None
) -> list[tuple[int, str, RankedSubModel, bool]]:
    """Return what a page's picker of runs lists: number, id, look, and whether it is shown."""
    looks = looks_of(len(runs))
    return [
        (number, run.record.run_id, look, picked is None or number in picked)
        for number, (run, look) in enumerate(zip(runs, looks, strict=True), 1)
    ]


def _shared(page: PageData) -> dict[str, Any]:
    """Return what the page and the templates of all sections are given."""
    return {
        "runs": page.views,
        "several": page.several,
        "ended": page.ended,
        "brief": page.brief,
        "origins": page.origins,
        "strips": page.strips,
        "stop_words": words.STOP_WORDS,
        "attributes": page.facets.of_attempt,
        "group_attributes": page.facets.of_group,
    }


def _bodies(page: PageData, shared: dict[str, Any]) -> list[tuple[Section, Markup]]:
    """Return the sections that have something to say, as HTML."""
    templates = environment()
    bodies = []
    for section in sections():
        view = section.view(page)
        if view is not None:
            html = templates.get_template(section.template).render(shared | dict(view))
            bodies.append((section, Markup(html)))  # noqa: S704 - the template escapes
    return bodies
