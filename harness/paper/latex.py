"""A section's tables as LaTeX (booktabs): printed beside ours, to be put into a paper (pure)."""

from __future__ import annotations

from harness.paper.sections import Grid, Section
from harness.report.text import clean

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
}


def escaped(text: str) -> str:
    """Return text that LaTeX prints as it is."""
    return "".join(_SPECIAL.get(one, one) for one in clean(text))


def latex(section: Section) -> str:
    """Return the section's tables; what does not hold is said in the caption."""
    tables = [
        _table(grid, f"tab:{section.item.key}" + (f"-{number}" if number > 1 else ""), section)
        for number, grid in enumerate(section.grids, 1)
    ]
    head = "% Made by `harness paper`; needs \\usepackage{booktabs}\n"
    return head + "\n".join(tables)


def _table(grid: Grid, label: str, section: Section) -> str:
    columns = "l" + "rr" * len(grid.heads)
    top = " & ".join(rf"\multicolumn{{2}}{{c}}{{{escaped(head.label)}}}" for head in grid.heads)
    under = " & ".join(f"printed & {escaped(grid.ours)}" for _ in grid.heads)
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escaped(_caption(grid, section))}}}",
        rf"\label{{{label}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        rf" & {top} \\",
        rf" & {under} \\",
        r"\midrule",
    ]
    for name, cells in grid.rows:
        parts = [part for cell in cells for part in (cell.printed or "--", cell.measured or "--")]
        lines.append(f"{escaped(name)} & " + " & ".join(map(escaped, parts)) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}", ""])


def _caption(grid: Grid, section: Section) -> str:
    told = grid.title if grid.title.startswith(section.at) else f"{section.at}. {grid.title}"
    told += "."
    if section.origins and section.origins != ("device",):
        told += f" Measured on {' and '.join(section.origins)} phones."
    return told + "".join(f" {claim.says}: {claim.verdict}." for claim in section.claims)
