"""Which tasks wait for which, and what is decided when a parent has an outcome or a limit is over.

Pure state: no threads, no I/O, the time is given. What an event costs grows with the tasks that
wait for just that parent.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.scenario.task import Task


@dataclass(frozen=True)
class Decision:
    """A task waits no more.

    Args:
        task_id: The task.
        counted: The parents that it starts with; None: it is skipped.
        why: For the record.
    """

    task_id: str
    counted: tuple[str, ...] | None
    why: str


@dataclass(slots=True)
class _Waiting:
    task: Task
    unsettled: int
    """Parents without an outcome."""
    finished: set[str] = field(default_factory=set)


class Graph:
    """What waits.

    Args:
        settled: Tasks that have an outcome already -> whether they finished.
    """

    def __init__(self, settled: Mapping[str, bool] | None = None) -> None:
        self._settled = dict(settled or {})
        self._waiting: dict[str, _Waiting] = {}
        self._children: dict[str, list[str]] = {}
        self._limits: list[tuple[float, int, str]] = []

    def is_finished(self, task_id: str) -> bool:
        """Say whether a task has finished."""
        return self._settled.get(task_id, False)

    def add(self, task: Task, now: float) -> list[Decision]:
        """Take in a task that waits for its parents; return what follows at once.

        Args:
            task: The task, with at least one parent.
            now: Its quorum's limit counts from here (seconds).
        """
        node = self._waiting[task.task_id] = _Waiting(task, 0)
        for parent in task.parents:
            outcome = self._settled.get(parent)
            if outcome is None:
                node.unsettled += 1
                self._children.setdefault(parent, []).append(task.task_id)
            elif outcome:
                node.finished.add(parent)
        failed = next((parent for parent in task.parents if self._settled.get(parent) is False), "")
        decision = _decide(node, f"{failed} did not finish")
        if decision is not None:
            return self._spread(decision)
        if task.quorum is not None:
            limit = now + task.quorum.after_s
            heapq.heappush(self._limits, (limit, task.index, task.task_id))
        return []

    def settle(self, task_id: str, *, finished: bool, why: str = "") -> list[Decision]:
        """Record a task's outcome; return what follows, parents before their children.

        Args:
            task_id: The task.
            finished: Whether it finished; else it failed or was skipped.
            why: For what is skipped with it.
        """
        decisions: list[Decision] = []
        settled = deque([(task_id, finished, why)])
        while settled:
            parent, finished, why = settled.popleft()
            self._settled[parent] = finished
            for child in self._children.pop(parent, ()):
                node = self._waiting.get(child)
                if node is None:
                    continue  # it has been decided without this parent
                node.unsettled -= 1
                if finished:
                    node.finished.add(parent)
                decision = _decide(node, why)
                if decision is None:
                    continue
                del self._waiting[child]
                decisions.append(decision)
                if decision.counted is None:
                    settled.append((child, False, _cause(node.task, decision.why)))
        return decisions

    def due(self, now: float) -> list[Decision]:
        """Return what is decided because a quorum's limit is over."""
        decisions: list[Decision] = []
        while self._limits and self._limits[0][0] <= now:
            node = self._waiting.get(heapq.heappop(self._limits)[2])
            if node is not None:
                decisions += self._spread(_decide_late(node))
        return decisions

    def next_due(self) -> float | None:
        """Return when the next limit is over."""
        while self._limits and self._limits[0][2] not in self._waiting:
            heapq.heappop(self._limits)
        return self._limits[0][0] if self._limits else None

    def drop(self, task_id: str, why: str) -> list[Decision]:
        """Skip a task, waiting or not; return what follows."""
        self._waiting.pop(task_id, None)
        return self.settle(task_id, finished=False, why=why)

    def _spread(self, decision: Decision) -> list[Decision]:
        task = self._waiting.pop(decision.task_id).task
        if decision.counted is not None:
            return [decision]
        why = _cause(task, decision.why)
        return [decision, *self.settle(task.task_id, finished=False, why=why)]


def _cause(task: Task, why: str) -> str:
    """Return what a skipped task's children are told: what failed first, or which quorum."""
    return why if task.quorum is None else f"{task.task_id} skipped: {why}"


def _decide(node: _Waiting, why: str) -> Decision | None:
    """Return what the outcomes so far mean; None: wait on."""
    task, done = node.task, len(node.finished)
    if done + node.unsettled < task.needed:
        if task.quorum is not None:
            why = f"{task.needed} of {len(task.parents)} parents cannot finish any more: {why}"
        return Decision(task.task_id, None, why)
    return _start(node) if node.unsettled == 0 else None


def _decide_late(node: _Waiting) -> Decision:
    task, done = node.task, len(node.finished)
    assert task.quorum is not None, "only a quorum has a limit"
    if done >= task.needed:
        return _start(node)
    return Decision(
        task.task_id,
        None,
        f"after {task.quorum.after_s:g} s {done} of {len(task.parents)} parents had finished, "
        f"{task.needed} are needed",
    )


def _start(node: _Waiting) -> Decision:
    counted = tuple(parent for parent in node.task.parents if parent in node.finished)
    everyone = len(node.task.parents)
    why = f"after {counted[0]}" if everyone == 1 else f"after {len(counted)} of {everyone} parents"
    return Decision(node.task.task_id, counted, why)
