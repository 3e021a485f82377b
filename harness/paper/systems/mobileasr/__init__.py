"""MobileASR (AIMLSystems 2023): personalisation on a phone, Tables 1 to 9 and Figures 2 to 5."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from harness.memory.published import Published, load_published
from harness.paper.given import Given
from harness.paper.items import Item
from harness.paper.sections import Section
from harness.paper.system import Maker, System
from harness.paper.systems.mobileasr import figures, recorded, tables
from harness.paper.systems.mobileasr.arithmetic import arithmetic_of
from harness.paper.systems.mobileasr.claims import CLAIMS
from harness.paper.systems.mobileasr.items import EXPERIMENTS, ITEMS

_MAKERS: Mapping[str, Callable[[Item, Published, Given], Section]] = {
    "table1": tables.table1,
    "table2": tables.sweep,
    "table3": tables.sweep,
    "table4": arithmetic_of("Table 4", "Table 4, share"),
    "table5": arithmetic_of("Table 5"),
    "table6": tables.table6,
    "table7": tables.table7,
    "table8": tables.table8,
    "table9": arithmetic_of("Table 9", "Appendix D"),
    "figure2": figures.figure2,
    "figure3": figures.figure3,
    "figure4": figures.figure4,
    "figure5": recorded.figure5,
}

_page = cache(load_published)


def _from_page(make: Callable[[Item, Published, Given], Section]) -> Maker:
    return lambda item, given: make(item, _page(), given)


SYSTEM = System(
    name="mobileasr",
    title="MobileASR",
    source="MobileASR (AIMLSystems 2023, doi 10.1145/3639856.3639876)",
    scales={
        "quick": "the small model, sentences of 2.5 to 5 s with words new to it",
        "full": "the model of 30 million parameters, sentences of 9 to 12 s",
    },
    experiments=EXPERIMENTS,
    makers={item: _from_page(_MAKERS[item.key]) for item in ITEMS},
    claims=CLAIMS,
    marks=(
        (
            "a to b",
            "The least and the most of the repeats, or of the utterances; before it their median "
            "or, in Figure 3 and Table 6, mean.",
        ),
        (
            "★",
            "The epoch whose weights were kept. Its line is the 95 % interval of the WER. "
            "Round 1 is solid, round 2 dashed.",
        ),
    ),
    full_model="ds2",
)
