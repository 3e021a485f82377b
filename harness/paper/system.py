"""A published system: what its page is made from. Each is a folder of `harness.paper.systems`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.errors import InputError
from harness.paper.claims import Book
from harness.paper.given import Given
from harness.paper.items import Experiment, Item, Scale
from harness.paper.sections import Section

Maker = Callable[[Item, Given], Section]
"""Makes an item's section from runs, also where there are none; claims are judged elsewhere."""


@dataclass(frozen=True)
class System:
    """What a folder of `harness.paper.systems` brings, as ``SYSTEM``.

    Attributes:
        name: As ``--system`` has it.
        title: As the page has it.
        source: Where its printed values stand, for the page's foot.
        scales: What the page says of runs of a scale.
        experiments: The runs that it reads.
        makers: Table or figure -> what makes its section.
        claims: What the paper states, and the rules that judge it.
        marks: (mark, what it means) of its own pages.
        phone: Profile of the virtual phones.
        full_model: Model of ``--scale full`` that is not shipped and has to be built.
    """

    name: str
    title: str
    source: str
    scales: Mapping[Scale, str]
    experiments: tuple[Experiment, ...]
    makers: Mapping[Item, Maker]
    claims: Book
    marks: tuple[tuple[str, str], ...] = ()
    phone: str = "oneplus-7t"
    full_model: str | None = None

    @property
    def items(self) -> tuple[Item, ...]:
        """Its tables and figures, in the order of the page."""
        return tuple(self.makers)

    def chosen(self, only: Sequence[str] | None) -> list[Item]:
        """Return the items asked for, in the paper's order.

        Args:
            only: ``table2``, ``figure3``, ...; several may stand in one, with commas; None = all.

        Raises:
            InputError: There is no such table or figure.
        """
        items = {item.key: item for item in self.items}
        wanted = [word.strip().lower() for text in only or () for word in text.split(",")]
        for word in wanted:
            if word not in items:
                raise InputError(
                    f"there is no {word!r} to make",
                    where="--only",
                    hint=f"There are {', '.join(items)}.",
                )
        return [item for item in items.values() if not wanted or item.key in wanted]

    def experiments_of(self, items: Sequence[Item]) -> list[Experiment]:
        """Return the runs that the items are drawn from, each once."""
        by_key = {experiment.key: experiment for experiment in self.experiments}
        keys = dict.fromkeys(item.experiment for item in items if item.experiment)
        return [by_key[key] for key in keys]
