"""A section's tables as LaTeX (booktabs): printed beside ours, to be put into a paper (pure)."""

from __future__ import annotations

from collections.abc import Sequence

from harness.paper.sections import Cell, Grid, Section
from harness.report.text import clean

WIDE = 5
"""Columns beyond which a table is shrunk to the line's width."""
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "−": "$-$",
    "λ": r"$\lambda$",
    "→": r"$\rightarrow$",
    "\N{NO-BREAK SPACE}": "~",
}


def escaped(text: str) -> str:
    """Return text that LaTeX prints as it is."""
    return "".join(_SPECIAL.get(character, character) for character in clean(text))


def latex(section: Section) -> str:
    """Return the section's tables; what does not hold is said in the caption."""
    tables = [
        _table(grid, f"tab:{section.item.key}" + (f"-{number}" if number > 1 else ""), section)
        for number, grid in enumerate(section.grids, 1)
    ]
    head = "% Made by `harness paper`; needs \\usepackage{booktabs,graphicx}\n"
    return head + "\n".join(tables)


def _table(grid: Grid, label: str, section: Section) -> str:
    labels = [escaped(head.label) + _marks(head.marks if head.label else ()) for head in grid.heads]
    kinds = [kind for own in grid.kinds for kind in own]
    top = "".join(
        rf" & \multicolumn{{{len(own)}}}{{c}}{{{label}}}"
        for label, own in zip(labels, grid.kinds, strict=True)
    )
    under = "".join(f" & {escaped(kind)}" for kind in kinds)
    shrunk = r"\resizebox{\linewidth}{!}{" if len(kinds) > WIDE else ""
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escaped(_caption(grid, section))}{_marks(grid.marks)}}}",
        rf"\label{{{label}}}",
        rf"{shrunk}\begin{{tabular}}{{l{'r' * len(kinds)}}}",
        r"\toprule",
        *([rf"{top} \\"] if grid.labelled else []),
        *([rf"{under} \\"] if len(set(kinds)) > 1 else []),
        r"\midrule",
    ]
    for name, cells in grid.rows:
        parts = [
            escaped(_text(kind, cell) or "--") + (_marks(cell.marks) if place == 0 else "")
            for cell, own in zip(cells, grid.kinds, strict=True)
            for place, kind in enumerate(own)
        ]
        first = escaped(name) + _marks(grid.row_marks.get(name, ()))
        lines.append(" & ".join((first, *parts)) + r" \\")
    end = r"\end{tabular}}" if shrunk else r"\end{tabular}"
    notes = [
        rf"\par\footnotesize{_marks((number,))}~{escaped(note)}"
        for number, note in enumerate(section.notes, 1)
        if number in marked(grid)
    ]
    return "\n".join([*lines, r"\bottomrule", end, *notes, r"\end{table}", ""])


def _marks(numbers: Sequence[int]) -> str:
    return rf"\textsuperscript{{{','.join(map(str, numbers))}}}" if numbers else ""


def marked(grid: Grid) -> set[int]:
    """Return the numbers of the footnotes that a table carries."""
    cells = [cell for _, row in grid.rows for cell in row]
    own = [grid.marks, *grid.row_marks.values(), *(head.marks for head in grid.heads)]
    return {number for marks in (*own, *(cell.marks for cell in cells)) for number in marks}


def _text(kind: str, cell: Cell) -> str:
    if kind == "printed":
        return cell.printed
    return f"{cell.measured} ({cell.span})" if cell.span else cell.measured


def _caption(grid: Grid, section: Section) -> str:
    caption = grid.title if grid.title.startswith(section.at) else f"{section.at}. {grid.title}"
    caption += "."
    if section.conditions and any(cell.measured for _, cells in grid.rows for cell in cells):
        caption += f" Measured: {section.conditions}."
    if any(cell.span for _, cells in grid.rows for cell in cells):
        caption += " In brackets the least and the most."
    judged: dict[str, list[str]] = {}
    for claim in section.claims:
        if claim.verdict != "not compared":
            judged.setdefault(claim.verdict.capitalize(), []).append(claim.says)
    return caption + "".join(f" {verdict}: {'; '.join(says)}." for verdict, says in judged.items())
