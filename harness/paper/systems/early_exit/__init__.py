"""Early exits (arXiv 2309.09546): WER, seconds and memory by exit, and rules of leaving early."""

from __future__ import annotations

from pathlib import Path

from harness.paper.claims import Book
from harness.paper.items import Experiment, Item
from harness.paper.system import System
from harness.paper.systems.early_exit import battery, rules_of_leaving, tables
from harness.paper.systems.early_exit.rules import RULES

_HEARD = Experiment("early_exit", takes_models=True)
_COST = Experiment("early_exit_cost", phones=1)

SYSTEM = System(
    name="early-exit",
    title="Early exits",
    source="early exits (arXiv 2309.09546), of which no exit between the first and the last could "
    "be read; [note]: a public note that says it copied its Tables 2 and 3; [page]: Splitformer’s "
    "model card (huggingface.co/MaxLSB/Splitformer); [code]: outputs in "
    "github.com/augustgw/early-exit-transformer, branch lstm, scored here; [run]: counted in "
    "torchaudio’s layers",
    scales={
        "quick": "a small model, sentences of 2.5 to 5 s",
        "full": "the paper’s shape, 31.5 million parameters",
    },
    experiments=(_HEARD, _COST),
    makers={
        Item("parameters", "Parameters: the published networks"): tables.parameters,
        Item("to_run", "Needed: parameters of each exit"): tables.to_run,
        Item("wer", "WER: by exit", experiment=_HEARD.key): tables.wer_by_exit,
        Item("others", "Other networks: with exits and without"): tables.printed,
        Item("curve", "Curve: WER against depth", experiment=_HEARD.key): rules_of_leaving.curves,
        Item(
            "shares", "Shares: where utterances leave", experiment=_HEARD.key
        ): rules_of_leaving.shares,
        Item("cost", "Cost: seconds and memory by exit", experiment=_COST.key): tables.cost,
        Item("energy", "Energy: by exit", experiment=_COST.key): battery.energy,
    },
    claims=Book(Path(__file__).with_name("claims.yaml"), RULES),
    full_model="conformer-ee",
)
