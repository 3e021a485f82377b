"""Who works with the phones of a bench for one owner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.lab.clock import Clock
from harness.lab.engines.phone_work import PhoneWork
from harness.lab.engines.threads import ThreadEngine
from harness.lab.holding import HostKeeper, Keeper
from harness.lab.ports import LabPhone, Tools
from harness.lab.run_view import RunView
from harness.lab.scheduling.engine import Engine


class Crew(Protocol):
    """Holds phones, and makes the engine that works with them."""

    @property
    def keeper(self) -> Keeper:
        """Who holds the phones."""
        ...

    def engine(self, run: RunView) -> Engine:
        """Return who carries out the orders of a run whose phones are held."""
        ...


@dataclass(frozen=True)
class HostCrew:
    """A `Crew` for phones that hang at this host.

    Args:
        keeper: Who holds them.
        tools: How to talk to them.
        clock: Where the time comes from.
        look: Finds the phones that are there now; None: none join later.
    """

    keeper: HostKeeper
    tools: Tools
    clock: Clock
    look: Callable[[], Sequence[LabPhone]] | None = None

    def engine(self, run: RunView) -> Engine:
        """See `Crew`."""
        work = PhoneWork(self.tools, self.keeper, self.clock, run.progress, run.keep)
        return ThreadEngine(work, run, self.look)
