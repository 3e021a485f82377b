"""Transfer learning (arXiv 2407.16664): the same fine-tuning from several baselines."""

from __future__ import annotations

from pathlib import Path

from harness.paper.claims import Book
from harness.paper.items import Experiment, Item
from harness.paper.system import System
from harness.paper.systems.transfer import tables
from harness.paper.systems.transfer.baselines import with_models
from harness.paper.systems.transfer.rules import RULES

_FINE = Experiment("transfer", with_models=with_models)

SYSTEM = System(
    name="transfer",
    title="Transfer learning",
    source="transfer learning (arXiv 2407.16664), whose tables were not found; [text]: figures of "
    "its abstract and text, as a summary has them; [run]: counted from those",
    scales={
        "quick": "a small network with CTC, synthetic voices, sentences of 1 to 5 s",
        "full": "a small network with CTC, synthetic voices, sentences of 1 to 5 s",
    },
    experiments=(_FINE,),
    makers={
        Item("werr", "WERR: against random weights", experiment=_FINE.key): tables.werrs,
        Item("recipes", "Recipes: A, B and C, with MinWER", experiment=_FINE.key): tables.made_from,
        Item("zero_shot", "Zero-shot: Spanish and German", experiment=_FINE.key): tables.zero_shot,
        Item("domains", "Domains: in and out of domain", experiment=_FINE.key): tables.domains,
        Item(
            "convergence", "Convergence: steps, time, memory", experiment=_FINE.key
        ): tables.convergence,
        Item("before", "Before fine-tuning", experiment=_FINE.key): tables.before,
        Item("readings", "Readings: 28 % higher"): tables.readings,
        Item("unknown", "Unknown: what could not be read or shown"): tables.printed,
    },
    claims=Book(Path(__file__).with_name("claims.yaml"), RULES),
)
