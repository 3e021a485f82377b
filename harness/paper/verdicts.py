"""What may be said of a claim, and of one that speaks of each of several (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

# fmt: off
Verdict = Literal[
    "holds", "does not hold", "cannot be said", "not compared", "no figures",
    "equal", "differs", "given", "not reached", "",
]
# fmt: on


def judged_each(
    holds: Mapping[str, bool], figures: Mapping[str, str], what: str
) -> tuple[Verdict, str]:
    """Judge what is claimed of each: it holds if it does for all.

    Args:
        holds: Name -> whether it does.
        figures: Name -> the figures behind that.
        what: What they are, in the plural.
    """
    if not holds:
        return "cannot be said", "Nothing was measured."
    yes = [name for name, good in holds.items() if good]
    shown = yes if len(yes) == len(holds) else [name for name in holds if name not in yes]
    told = ", ".join(f"{name} {figures[name]}" for name in shown)
    if len(yes) == len(holds):
        return "holds", f"For all {len(holds)} {what}: {told}."
    return "does not hold", f"For {len(yes)} of {len(holds)} {what}; not for {told}."
