"""One running process of a package, as Android knows it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Literal

from harness.virtual.phone import PhoneProcess
from harness.virtual.system import procfs
from harness.virtual.system.exits import ExitWhy
from harness.virtual.system.memory import charged_kb

FOREGROUND_ADJ, PERCEPTIBLE_ADJ, PREVIOUS_ADJ, CACHED_ADJ = 0, 200, 700, 900
"""oom_score_adj by importance. Source: AOSP ``ProcessList``."""

Kind = Literal["service", "activity"]


@dataclass(eq=False)
class App:
    """One running process of a package.

    Args:
        name: Process name, such as ``org.example`` or ``org.example:remote``.
        package: Its package.
        uid: Its user id.
        adj: oom_score_adj.
        declared_mb: RAM that it says it holds (modelled); None: what it really holds counts.
        host_pid: Pid on the host.
        pid: Pid on the phone.
        process: The real process.
        since: When it began, seconds since 1970.
        kind: What it was started for.
        component: The service or activity that it was started for.
        why: Why it's being ended, once somebody decided so.
        last_held_kb: What it held when last looked at.
        compressible_share: Part of its declared RAM that zram can pack once it's cached.
        swapped_kb: How much of it is packed now.
        ended: Set when it has ended and its record is there.
    """

    name: str
    package: str
    uid: int
    adj: int
    declared_mb: int | None
    host_pid: int
    pid: int
    process: PhoneProcess
    since: float
    kind: Kind = "service"
    component: str = ""
    why: ExitWhy | None = None
    last_held_kb: int = 0
    compressible_share: float = 0.0
    swapped_kb: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def held_kb(self) -> int:
        """RAM that it's charged with."""
        if self.declared_mb is not None:
            return charged_kb(self.declared_kb, self.swapped_kb)
        return procfs.read_own_kb(self.host_pid)

    @property
    def declared_kb(self) -> int:
        """RAM that it says it holds."""
        return (self.declared_mb or 0) * 1024

    @property
    def user(self) -> str:
        """Its user as ps prints it."""
        return f"u0_a{self.uid - 10000}" if self.uid >= 10000 else "system"
