"""Everything that ``harness paper`` leaves behind: one page, and files for a paper."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.export.safe_cells import safe_cell, safe_row
from harness.paper.items import Scale
from harness.paper.latex import latex
from harness.paper.measure import Source
from harness.paper.sections import Section, attempts_of
from harness.paper.summary import summary
from harness.paper.system import System
from harness.report.figures.files import pdf_file, svg_file
from harness.report.page import chrome, environment
from harness.report.words import ORIGIN_WORDS, phones_in_words, run_seconds
from harness.results.files import write_bytes

HEADER = (
    *("table", "row", "column", "class", "printed", "ours", "low", "median", "high", "n"),
    *("verdict", "attempts"),
)


@dataclass(frozen=True)
class Written:
    """What was written."""

    page: Path
    files: tuple[Path, ...]


def write(
    system: System,
    sections: Sequence[Section],
    out: Path,
    scale: Scale,
    runs: Sequence[Source] = (),
) -> Written:
    """Write ``index.html``, ``csv/``, ``latex/`` and ``figures/`` below ``out``.

    Args:
        system: Whose page it is.
        sections: What was made.
        out: The folder.
        scale: Of the runs, for the page.
        runs: Those behind the sections.

    Raises:
        StoreError: The folder cannot be written.
    """
    page = out / "index.html"
    files: list[Path] = []
    for section in sections:
        key = section.item.key
        if section.grids:
            files.append(out / "csv" / f"{key}.csv")
            write_bytes(files[-1], _csv(section).encode())
            files.append(out / "latex" / f"{key}.tex")
            write_bytes(files[-1], latex(section).encode())
        for drawing in section.drawings:
            for suffix, data in (
                ("svg", svg_file(drawing.svg)),
                ("pdf", pdf_file(drawing.svg.sheet)),
            ):
                files.append(out / "figures" / f"{drawing.name}.{suffix}")
                write_bytes(files[-1], data)
    if any(section.claims for section in sections):
        files.append(out / "csv" / "claims.csv")
        write_bytes(files[-1], _claims_csv(sections).encode())
    write_bytes(page, render(system, sections, scale, runs).encode())
    return Written(page, tuple(files))


def render(
    system: System, sections: Sequence[Section], scale: Scale, runs: Sequence[Source] = ()
) -> str:
    """Return the page."""
    origins = sorted({origin for section in sections for origin in section.origins})
    figures_first = sorted(sections, key=lambda section: not section.drawings)
    return (
        environment()
        .get_template("paper.html.j2")
        .render(
            {
                **chrome("paper.js"),
                "system": system,
                "sections": figures_first,
                "in_paper_order": sections,
                "scale": scale,
                "classes": value_classes(sections),
                "runs": runs,
                "seconds": run_seconds,
                "phones": phones_in_words,
                "origins": origins,
                "origin_words": ORIGIN_WORDS,
                "attempts_of": attempts_of,
                "summary": summary(sections),
            }
        )
    )


def value_classes(sections: Sequence[Section]) -> set[str]:
    """Return what may be made of the figures on a page: the classes that its legend explains."""
    return {
        head.value_class for section in sections for grid in section.grids for head in grid.heads
    }


def _claims_csv(sections: Sequence[Section]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("item", "at", "quote", "claim", "in_print", "why", "here", "evidence"))
    for section in sections:
        for claim in section.claims:
            writer.writerow(
                safe_row(
                    [
                        *(section.item.key, claim.at, claim.quote, claim.says),
                        *(claim.in_print, claim.why, claim.verdict, claim.evidence),
                    ]
                )
            )
    return out.getvalue()


def _printed(text: str) -> str:
    """Return a printed figure for a table: a number as it is, anything else as safe text."""
    try:
        float(text)
    except ValueError:
        return str(safe_cell(text))
    return text


def _csv(section: Section) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for grid in section.grids:
        for name, cells in grid.rows:
            for head, cell in zip(grid.heads, cells, strict=True):
                writer.writerow(
                    [
                        *safe_row([grid.title, name, head.label, head.value_class]),
                        *(_printed(cell.printed), _printed(cell.measured)),
                        *(cell.low, cell.median, cell.high),
                        *safe_row([cell.n or "", cell.verdict, " ".join(cell.links)]),
                    ]
                )
    return out.getvalue()
