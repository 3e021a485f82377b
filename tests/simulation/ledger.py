"""A ledger whose host may die in the middle of a change."""

from __future__ import annotations

from typing import Any

from harness.lab.ledger.ledger import Ledger
from tests.simulation.world import HostDied


class MortalLedger(Ledger):
    """See the module."""

    def __init__(self, *values: Any) -> None:
        super().__init__(*values)
        self.changes_to_live: int | None = None
        """So many changes later the host dies, before that one is written down."""

    def _note(self, what: str, key: str, old: str, new: str, note: str = "") -> None:
        if self.changes_to_live is not None:
            self.changes_to_live -= 1
            if self.changes_to_live <= 0:
                self.changes_to_live = None
                raise HostDied
        super()._note(what, key, old, new, note)
