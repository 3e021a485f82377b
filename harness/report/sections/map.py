"""The matrix: its best settings, and all of it as a map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report import heat
from harness.report.facets import Facets
from harness.report.page_data import PageData
from harness.report.section import Section
from harness.results.wer_interval import METHOD


def _view(page: PageData) -> Mapping[str, Any] | None:
    mapped = heat.heat(page.personal, page.facets)
    if mapped is None and page.ranking is None:
        return None
    return {
        "heat": mapped,
        "heat_first": _attributes_of(mapped, page.facets) if mapped else {},
        "heat_figures": [(figure.key, figure.label, figure.digits) for figure in heat.FIGURES],
        "intervals": page.intervals,
        "interval_method": METHOD,
        "ranking": page.ranking,
    }


def _attributes_of(view: heat.Heat, facets: Facets) -> dict[str, Any]:
    """Return the attributes that hold the first map's rows and columns, for the script."""
    names = {path: name for name, path in facets.paths}
    rows, columns = ([names[axis.path] for axis in axes] for axes in view.sides)
    return {"figure": view.figure.key, "rows": rows, "columns": columns, "joined": heat.JOINED}


SECTION = Section(key="map", title="The matrix as a map", link="Map", place=20, view=_view)
