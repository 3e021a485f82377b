"""The low memory killer: whom it takes, and what it logs (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Candidate:
    """A process that may be killed.

    Args:
        name: Its name.
        pid: Phone pid.
        host_pid: Host pid.
        uid: Its user.
        adj: oom_score_adj; below 0 it's never taken.
        held_kb: What its end frees.
        swapped_kb: What of it is in swap.
    """

    name: str
    pid: int
    host_pid: int
    uid: int
    adj: int
    held_kb: int
    swapped_kb: int = 0


def choose(
    available_kb: int, kill_below_kb: int, processes: Iterable[Candidate]
) -> Candidate | None:
    """Return whom to kill: highest oom_score_adj, then the biggest. None: nobody, or no need.

    Source: AOSP ``lmkd.cpp``, ``find_and_kill_process`` with ``ro.lmk.kill_heaviest_task``.
    """
    if available_kb >= kill_below_kb:
        return None
    able = [p for p in processes if p.adj >= 0]
    return max(able, key=lambda p: (p.adj, p.held_kb), default=None)


def kill_line(victim: Candidate, sdk: int) -> str:
    """Return the message of lmkd on this release (tag ``lowmemorykiller``)."""
    head = f"Kill '{victim.name}' ({victim.pid}), uid {victim.uid}, "
    if sdk < 30:
        return f"{head}oom_adj {victim.adj} to free {victim.held_kb}kB"
    line = f"{head}oom_score_adj {victim.adj} to free {victim.held_kb}kB rss, "
    if sdk >= 34:
        line += f"{victim.held_kb}kB anon rss, "
    line += f"{victim.swapped_kb}kB swap"
    if sdk >= 34:
        line += ", 0kB dmabuf_pss, 0kB dmabuf_rss"
    return f"{line}; reason: min watermark is breached even after kill"


def killinfo(victim: Candidate, available_kb: int, total_kb: int) -> list[object]:
    """Return the values of the ``killinfo`` event. Source: AOSP ``lmkd/event.logtags``."""
    return [
        victim.pid,
        victim.uid,
        victim.adj,
        victim.adj,
        victim.held_kb,
        0,  # PRESSURE_AFTER_KILL, the reason that the line names
        total_kb,
        available_kb,
    ]
