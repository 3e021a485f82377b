"""The ledger's record of who holds which phone."""

from __future__ import annotations

from harness.lab.ledger.tables import LeaseRow
from harness.lab.ledger.transactions import Transactions


class LeaseRows(Transactions):
    """Phones that the run holds or held."""

    def lease(
        self, serial: str, *, adb_server: str, adb_serial: str, work_dir: str, owner: str
    ) -> None:
        """Record that ``owner`` holds a phone; recording it again changes nothing.

        Raises:
            LedgerError: Another owner holds it.
        """
        with self._change() as db:
            holding = "SELECT 1 FROM leases WHERE serial = ? AND owner = ? AND released IS NULL"
            if db.execute(holding, (serial, owner)).fetchone():
                return
            db.execute(
                "INSERT INTO leases (serial, adb_server, adb_serial, work_dir, owner, acquired,"
                " heartbeat) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (serial, adb_server, adb_serial, work_dir, owner, self._now, self._now),
            )
            self._note("lease", serial, "", "held", owner)

    def heartbeat(self, owner: str) -> None:
        """Record that ``owner`` still holds its phones."""
        with self._change() as db:
            db.execute(
                "UPDATE leases SET heartbeat = ? WHERE owner = ? AND released IS NULL",
                (self._now, owner),
            )

    def release(self, serial: str, note: str = "") -> None:
        """Record that a phone is free again; releasing a free phone changes nothing."""
        with self._change() as db:
            changed = db.execute(
                "UPDATE leases SET released = ? WHERE serial = ? AND released IS NULL",
                (self._now, serial),
            )
            if changed.rowcount:
                self._note("lease", serial, "held", "released", note)

    def leases(self) -> list[LeaseRow]:
        """Return the phones held."""
        rows = self._rows(
            "SELECT serial, adb_server, adb_serial, work_dir, owner, acquired, heartbeat "
            "FROM leases WHERE released IS NULL ORDER BY id"
        )
        return [LeaseRow(*row) for row in rows]
