"""Which scenario makes which of MobileASR's tables and figures, and what ``quick`` changes."""

from __future__ import annotations

from harness.paper.items import Experiment, Item

SMALL = (
    "model=ds2-mini",
    "data.style=wide",
    # the paper's 300 MB are for a model that needs ten times this one's memory
    "trainer.stop.available_below_mb=4",
)
"""What quick changes everywhere: the small model, sentences of 2.5 to 5 s with words new to it."""
FASTER = ("trainer.learning_rate=5.0e-4",)
"""What the small model learns at, by its manifest; the paper's rate is for 30 M parameters."""


EXPERIMENTS = (
    Experiment("table1", SMALL + FASTER),
    # minutes are those of a host that does other things too: medians of three, mixed up
    Experiment(
        "table2",
        quick=(*SMALL, *FASTER, "repeats=3", "order={shuffled: 1}"),
        phones=1,
    ),
    Experiment(
        "table3",
        quick=(
            *SMALL,
            "matrix={trainer.learning_rate: [5.0e-4, 5.0e-5], trainer.sub_model: [S1, S5, S8]}",
        ),
        rates=((1e-4, 5e-4), (1e-5, 5e-5)),
    ),
    Experiment("figure2", quick=(*SMALL, *FASTER, "sampling.period_s=0.2"), phones=1),
    Experiment("figure4", SMALL + FASTER),
    Experiment(
        "figure5",
        # the one that has heard people; the other does not know what they say
        quick=("model=ds2-mini-people", *SMALL[2:], *FASTER),
        takes_recordings=True,
    ),
)

ITEMS = (
    Item("table1", "Table 1: sub-models", "table1"),
    Item("table2", "Table 2: batch size", "table2"),
    Item("table3", "Table 3: learning rate", "table3"),
    Item("table4", "Table 4: parameters by part"),
    Item("table5", "Table 5: share that is trained"),
    Item("table6", "Table 6: speech on the phones", "figure4", speech=True),
    Item("table7", "Table 7: speech behind the baseline", "figure4"),
    Item("table8", "Table 8: phones"),
    Item("table9", "Table 9 and Appendix D: estimated memory"),
    Item("figure2", "Figure 2: RAM and CPU over one epoch", "figure2"),
    Item("figure3", "Figure 3: before and after, by speaker", "figure4"),
    Item("figure4", "Figure 4: WER by epoch, two rounds", "figure4"),
    Item("figure5", "Figure 5: recorded speakers", "figure5"),
)
