"""The matrix as a map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report import heat
from harness.report.facets import Facets
from harness.report.page_data import PageData
from harness.report.section import Section


def _view(page: PageData) -> Mapping[str, Any] | None:
    mapped = heat.heat(page.personal, page.facets)
    if mapped is None:
        return None
    return {
        "heat": mapped,
        "heat_title": heat.title_of(mapped),
        "heat_first": _attributes_of(mapped, page.facets),
        "heat_figures": [(figure.key, figure.label, figure.digits) for figure in heat.FIGURES],
    }


def _attributes_of(view: heat.Heat, facets: Facets) -> list[str]:
    """Return the attributes that hold the first map's rows and columns, for the script."""
    names = {path: name for name, path in facets.paths}
    return [names[view.rows.path], names[view.columns.path], view.figure.key]


SECTION = Section(key="map", title="The matrix as a map", link="Map", place=20, view=_view)
