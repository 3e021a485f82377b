"""Figures of other packages for the report (docs/extending.md)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from markupsafe import Markup

from harness import plugins
from harness.report.load import Attempt


@dataclass(frozen=True, kw_only=True)
class ReportFigure:
    """A figure below "More figures"."""

    title: str
    caption: str
    """What it shows, and of which attempts."""
    draw: Callable[[Sequence[Attempt]], str | None]
    """Returns SVG for the attempts of the page; None where it has nothing to say. An attempt has
    its ``result``, and reads samples by ``read_samples(columns)``."""


@cache
def _declared() -> tuple[tuple[str, ReportFigure], ...]:
    figures: list[tuple[str, ReportFigure]] = []

    def accept(name: str, figure: Any) -> str:
        if not isinstance(figure, ReportFigure):
            return f"{figure!r} is no ReportFigure"
        figures.append((name, figure))
        return ""

    plugins.load(plugins.REPORT_FIGURES, accept)
    return tuple(figures)


def extra_figures(
    attempts: Sequence[Attempt],
) -> tuple[list[tuple[ReportFigure, Markup]], list[str]]:
    """Return the figures of plug-ins that have something to say, and what went wrong, in words."""
    drawn: list[tuple[ReportFigure, Markup]] = []
    problems: list[str] = []
    for name, figure in _declared():
        svg, problem = _drawn(name, figure, attempts)
        if svg is not None:
            drawn.append((figure, svg))
        if problem:
            problems.append(problem)
    return drawn, problems


def _drawn(
    name: str, figure: ReportFigure, attempts: Sequence[Attempt]
) -> tuple[Markup | None, str]:
    try:
        svg = figure.draw(attempts)
    except Exception as error:  # noqa: BLE001 - one figure costs no report
        return None, f"The figure {name!r} of a plug-in failed: {error!r}"
    return None if svg is None else Markup(str(svg)), ""  # noqa: S704 - an installed package's


def load_figures() -> None:
    """Load the figures of plug-ins, so that `harness.plugins.known` knows them."""
    _declared()
