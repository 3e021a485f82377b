"""Jobs that are alike to a phone, and which of them comes first (pure)."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

QueueOrder = Literal["plan", "groups", "heat"]
"""``plan``: by index. ``groups``: what needs no push first. ``heat``: likewise, and within a group
the coolest job for a phone that is warm, the hottest for one that is not."""


class Offer(NamedTuple):
    """A job that may be taken; the smaller, the better."""

    elsewhere: bool
    """Of another group than the phone ran last: something must be pushed."""
    rank: float
    """By heat, where that counts."""
    place: int
    job_id: str


class Asking(NamedTuple):
    """A phone that wants a job."""

    group: str
    """What it ran last."""
    warm: bool
    """Whether that heated it."""


_Heap = list[tuple[float, int, str]]
_COOLEST: Final = 1.0
_HOTTEST: Final = -1.0


class JobQueue:
    """Jobs by index, by group and by heat; what is not queued any more is passed over.

    Args:
        order: What decides.
    """

    __slots__ = ("_all", "_group_of", "_groups", "_order", "open")

    def __init__(self, order: QueueOrder) -> None:
        self._order = order
        self._all: _Heap = []
        self._group_of: dict[str, str] = {}
        self._groups: dict[tuple[str, float], _Heap] = {}
        """(group, sign of the heat that comes first; 0 = by index) -> its jobs."""
        self.open = 0
        """Jobs without an outcome, queued or not."""

    def push(self, index: int, job_id: str, group: str, heat: float) -> None:
        """Queue a job."""
        heapq.heappush(self._all, (0.0, index, job_id))
        if self._order == "plan":
            return
        self._group_of[job_id] = group
        for sign in (_HOTTEST, _COOLEST) if self._order == "heat" else (0.0,):
            heapq.heappush(self._groups.setdefault((group, sign), []), (sign * heat, index, job_id))

    def first(self, phone: Asking, is_here: Callable[[str], bool]) -> Offer | None:
        """Return the job that a phone should get; ``is_here``: whether it is still queued."""
        first = _top(self._all, is_here)
        if first is None or self._order == "plan":
            return None if first is None else Offer(False, *first)
        sign = 0.0 if self._order == "groups" else _COOLEST if phone.warm else _HOTTEST
        same = _top(self._groups.get((phone.group, sign), []), is_here)
        if same is not None:
            return Offer(False, *same)
        # groups follow each other as the plan has them
        chosen = _top(self._groups[self._group_of[first[2]], sign], is_here)
        assert chosen is not None, "the first job is in its group"
        return Offer(True, 0.0, first[1], chosen[2])


def _top(heap: _Heap, is_here: Callable[[str], bool]) -> tuple[float, int, str] | None:
    while heap:
        if is_here(heap[0][2]):
            return heap[0]
        heapq.heappop(heap)
    return None
