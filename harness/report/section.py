"""A section of the report: where it stands, what it is called, and what its template is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.report.page_data import PageData


@dataclass(frozen=True, kw_only=True)
class Section:
    """One section of the page; a file of `harness.report.sections` makes it and nothing else."""

    key: str
    """Its anchor on the page, for example ``cost``."""
    title: str
    """Its heading."""
    link: str
    """What the links to it are called: a word or two, since they stand on one line."""
    place: int
    """Sections stand by it, the smallest first; docs/reports.md has those there are."""
    view: Callable[[PageData], Mapping[str, Any] | None]
    """Returns the variables of the template; None where it has nothing to say on this page.

    The template is ``reports/templates/sections/<key>.html.j2``. What all templates are given
    stands in `harness.report.page`; its heading is written for it.
    """

    @property
    def template(self) -> str:
        """Its template, from the templates' folder."""
        return f"sections/{self.key}.html.j2"
