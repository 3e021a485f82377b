"""Which scenario makes which table or figure, and what ``--scale quick`` changes in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.errors import InputError
from harness.paths import data_root

Scale = Literal["quick", "full"]

SMALL = (
    "model=ds2-mini",
    "data.style=wide",
    # the paper's 300 MB are for a model that needs ten times this one's memory
    "trainer.stop.available_below_mb=4",
)
"""What quick changes everywhere: the small model, sentences of 2.5 to 5 s with words new to it."""
FASTER = ("trainer.learning_rate=5.0e-4",)
"""What the small model learns at, by its manifest; the paper's rate is for 30 M parameters."""


@dataclass(frozen=True)
class Experiment:
    """One run of one scenario.

    Attributes:
        key: Name of its run folder and of the scenario file.
        quick: Overrides of ``--scale quick``.
        phones: Virtual phones that share its jobs; 1 where time and CPU are measured.
        rates: Learning rate of the paper -> the one that stands for it in a quick run.
        takes_recordings: It is about people's own recordings, which a user may give.
    """

    key: str
    quick: tuple[str, ...] = SMALL + FASTER
    phones: int = 2
    rates: tuple[tuple[float, float], ...] = ()
    takes_recordings: bool = False

    @property
    def scenario(self) -> Path:
        """The scenario file."""
        return data_root() / "scenarios" / "paper" / f"{self.key}.yaml"

    def overrides(self, scale: Scale) -> tuple[str, ...]:
        """Return what the scale changes in the scenario, as ``--set`` has it."""
        return self.quick if scale == "quick" else ()


EXPERIMENTS = {
    experiment.key: experiment
    for experiment in (
        Experiment("table1"),
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
        Experiment("figure4"),
        Experiment(
            "figure5",
            # the one that has heard people; the other does not know what they say
            quick=("model=ds2-mini-people", *SMALL[2:], *FASTER),
            takes_recordings=True,
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Item:
    """One table or figure of the paper."""

    key: str
    title: str
    experiment: str | None = None
    """What it is drawn from; None = from arithmetic, profiles or the corpus."""


ITEMS = {
    item.key: item
    for item in (
        Item("table1", "Table 1: sub-models", "table1"),
        Item("table2", "Table 2: batch size", "table2"),
        Item("table3", "Table 3: learning rate", "table3"),
        Item("table4", "Table 4: parameters by part"),
        Item("table5", "Table 5: share that is trained"),
        Item("table6", "Table 6: speech on the phones", "figure4"),
        Item("table7", "Table 7: speech behind the baseline", "figure4"),
        Item("table8", "Table 8: phones"),
        Item("table9", "Table 9 and Appendix D: estimated memory"),
        Item("figure2", "Figure 2: RAM and CPU over one epoch", "figure2"),
        Item("figure3", "Figure 3: before and after, by speaker", "figure4"),
        Item("figure4", "Figure 4: WER by epoch, two rounds", "figure4"),
        Item("figure5", "Figure 5: recorded speakers", "figure5"),
    )
}


def chosen(only: list[str] | None) -> list[Item]:
    """Return the items asked for, in the paper's order.

    Args:
        only: ``table2``, ``figure3``, ...; None = all.

    Raises:
        InputError: There is no such table or figure.
    """
    wanted = [word.strip().lower() for text in only or () for word in text.split(",")]
    for word in wanted:
        if word not in ITEMS:
            raise InputError(
                f"there is no {word!r} to make",
                where="--only",
                hint=f"There are {', '.join(ITEMS)}.",
            )
    return [item for item in ITEMS.values() if not wanted or item.key in wanted]


def experiments_of(items: list[Item]) -> list[Experiment]:
    """Return the runs that the items are drawn from, each once."""
    keys = dict.fromkeys(item.experiment for item in items if item.experiment)
    return [EXPERIMENTS[key] for key in keys]
