"""Online Model Compression (arXiv 2205.03494): bits, ratios, WER by round, bytes and memory."""

from __future__ import annotations

from pathlib import Path

from harness.paper.claims import Book
from harness.paper.items import Experiment, Item
from harness.paper.resident import RESIDENT
from harness.paper.system import System
from harness.paper.systems.omc import tables
from harness.paper.systems.omc.rules import RULES

_PRINTED = "variant: as_printed"
_QUICK = (
    # the third voice makes no mistake from the start, so that nothing could be told of it
    "federated.clients={speakers: [ind-female, uk-male]}",
    "data.validation=40",
    "federated.rounds=2",
    "federated.evaluate_every=2",
    "matrix={include: ["
    + ", ".join(
        f"{{federated.compression: {compression}}}"
        for compression in (
            "null",
            f"{{format: S1E4M14, share: 0.9, {_PRINTED}}}",
            f"{{format: S1E3M7, share: 0.9, {_PRINTED}}}",
            f"{{format: S1E3M7, {_PRINTED}}}",
            f"{{format: S1E2M3, share: 0.9, {_PRINTED}}}",
            f"{{format: S1E2M3, share: 0.9, {_PRINTED}, variables: all}}",
            "{format: S1E2M3, share: 0.9}",
        )
    )
    + "]}",
)
_ROUNDS = Experiment("omc", _QUICK)

SYSTEM = System(
    name="omc",
    title="Online Model Compression",
    source="Online Model Compression (arXiv 2205.03494), whose tables were not found; [text]: "
    "figures of its abstract and text, as a summary has them; [run]: counted from those",
    scales={
        "quick": "a small model, two voices, sentences of 2 to 4 s",
        "full": "a small model, three voices, all formats",
    },
    experiments=(_ROUNDS, RESIDENT),
    makers={
        Item("ratios", "Ratios: bytes by bits and share"): tables.ratios,
        Item("wer", "WER: by round", experiment=_ROUNDS.key): tables.wer,
        Item("bytes", "Bytes: what travelled", experiment=_ROUNDS.key): tables.sizes,
        Item("pixel", "Memory: as measured on a Pixel 4", experiment=RESIDENT.key): tables.pixel,
        Item("unknown", "Unknown: what could not be read"): tables.printed,
    },
    claims=Book(Path(__file__).with_name("claims.yaml"), RULES),
)
