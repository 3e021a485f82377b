"""FedAQT (doi 10.1109/ICASSP48485.2024.10445824): whole numbers down, WER, bytes and memory."""

from __future__ import annotations

from pathlib import Path

from harness.paper.claims import Book
from harness.paper.items import Experiment, Item
from harness.paper.resident import RESIDENT
from harness.paper.system import System
from harness.paper.systems.fedaqt import tables
from harness.paper.systems.fedaqt.rules import RULES

_QUICK = (
    # the third voice makes no mistake from the start, so that nothing could be told of it
    "federated.clients={speakers: [ind-female, uk-male]}",
    "data.validation=40",
    "matrix={include: ["
    + ", ".join(
        f"{{model: {model}, federated.strategy: {strategy}, federated.compression: {compression}}}"
        for strategy, model, compression in (
            ("fedsgd", "ds2-mini-sgd", "null"),
            ("fedsgd", "ds2-mini-int8", "{format: int8, per: column, ways: down}"),
            ("fedavg", "ds2-mini-sgd", "null"),
            ("fedavg", "ds2-mini-int8", "{format: int8, per: column}"),
            ("fedavg", "ds2-mini-int8-held", "{format: int8, per: column}"),
            ("fedavg", "ds2-mini-sgd", "{format: int4, per: column}"),
        )
    )
    + "]}",
)
_ROUNDS = Experiment("fedaqt", _QUICK)

SYSTEM = System(
    name="fedaqt",
    title="FedAQT",
    source="FedAQT (doi 10.1109/ICASSP48485.2024.10445824), whose tables are lost; [text]: figures "
    "of its abstract and text, as a summary has them; [run]: counted from those",
    scales={
        "quick": "a small model, two voices, sentences of 2 to 4 s",
        "full": "a small model, three voices",
    },
    experiments=(_ROUNDS, RESIDENT),
    makers={
        Item("memory", "Memory: loading, not training", experiment=RESIDENT.key): tables.memory,
        Item("wer", "WER: by round", experiment=_ROUNDS.key): tables.wer,
        Item("bytes", "Bytes: what travelled", experiment=_ROUNDS.key): tables.sizes,
        Item("unknown", "Unknown: what could not be read"): tables.printed,
    },
    claims=Book(Path(__file__).with_name("claims.yaml"), RULES),
)
