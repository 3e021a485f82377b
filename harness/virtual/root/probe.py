"""Which isolation this host allows."""

from __future__ import annotations

from dataclasses import dataclass

from harness.virtual.phone import Isolation


@dataclass(frozen=True)
class IsolationProbe:
    """What was found.

    Args:
        kind: The isolation to use.
        reason: Why not a better one; empty if it is the best.
    """

    kind: Isolation
    reason: str = ""


async def probe_isolation() -> IsolationProbe:
    """Say which isolation can be used here."""
    return IsolationProbe("none", "user namespaces are not used yet")
