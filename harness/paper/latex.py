"""A section's tables as LaTeX (booktabs): printed beside ours, to be put into a paper (pure)."""

from __future__ import annotations

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
    kinds = [kind for own in grid.kinds for kind in own]
    top = "".join(
        rf" & \multicolumn{{{len(own)}}}{{c}}{{{escaped(head.label)}}}"
        for head, own in zip(grid.heads, grid.kinds, strict=True)
    )
    under = "".join(f" & {escaped(kind)}" for kind in kinds)
    shrunk = r"\resizebox{\linewidth}{!}{" if len(kinds) > WIDE else ""
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escaped(_caption(grid, section))}}}",
        rf"\label{{{label}}}",
        rf"{shrunk}\begin{{tabular}}{{l{'r' * len(kinds)}}}",
        r"\toprule",
        *([rf"{top} \\"] if grid.labelled else []),
        *([rf"{under} \\"] if len(set(kinds)) > 1 else []),
        r"\midrule",
    ]
    for name, cells in grid.rows:
        parts = [
            _text(kind, cell) or "--"
            for cell, own in zip(cells, grid.kinds, strict=True)
            for kind in own
        ]
        lines.append(" & ".join(map(escaped, (name, *parts))) + r" \\")
    end = r"\end{tabular}}" if shrunk else r"\end{tabular}"
    return "\n".join([*lines, r"\bottomrule", end, r"\end{table}", ""])


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
        judged.setdefault(claim.verdict.capitalize(), []).append(claim.says)
    return caption + "".join(f" {verdict}: {'; '.join(says)}." for verdict, says in judged.items())
