"""Tasks of the phone: what was started on its screen, the one in front first (pure)."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass
class Task:
    """One task with one activity.

    Args:
        number: Its id.
        package: The activity's package.
        component: The activity, as ``org.example/.Main``.
        uid: The package's user id.
    """

    number: int
    package: str
    component: str
    uid: int

    @property
    def record(self) -> str:
        """The activity, as dumps print it within ``ActivityRecord{}``."""
        return f"{record_id(self.component)} u0 {self.component} t{self.number}"

    @property
    def full_component(self) -> str:
        """The activity with its whole class name."""
        return full_component(self.component)


class Tasks:
    """All tasks.

    Args:
        home: The launcher's, which is never gone.
    """

    def __init__(self, home: Task) -> None:
        self._home = home
        self._tasks = [home]
        self._numbers = itertools.count(home.number + 1)

    def __iter__(self) -> Iterator[Task]:
        return iter(list(self._tasks))

    @property
    def front(self) -> Task:
        """The task on the screen."""
        return self._tasks[0]

    def start(self, package: str, component: str, uid: int) -> Task:
        """Bring an activity to the front, in the task of its package."""
        task = next((task for task in self._tasks if task.package == package), None)
        if task is None:
            task = Task(next(self._numbers), package, component, uid)
        else:
            self._tasks.remove(task)
            task.component = component
        self._tasks.insert(0, task)
        return task

    def go_home(self) -> None:
        """Bring the launcher to the front."""
        self._tasks.remove(self._home)
        self._tasks.insert(0, self._home)

    def clear(self) -> None:
        """Forget all but the launcher's, as a reboot does."""
        self._tasks = [self._home]

    def ended(self, package: str) -> None:
        """Take note that a package's process ended: what it showed is no longer in front."""
        if self.front.package == package:
            self.go_home()

    def forget(self, package: str) -> None:
        """Take a package's task out of the list, as when it is uninstalled."""
        self.ended(package)
        self._tasks = [task for task in self._tasks
                       if task is self._home or task.package != package]  # fmt: skip


def full_component(component: str) -> str:
    """Return ``org.example/org.example.Main`` for ``org.example/.Main``."""
    package, _, name = component.partition("/")
    return f"{package}/{package}{name}" if name.startswith(".") else component


def short_component(component: str) -> str:
    """Return ``org.example/.Main`` for ``org.example/org.example.Main``."""
    package, _, name = component.partition("/")
    return f"{package}/{name[len(package) :]}" if name.startswith(f"{package}.") else component


def record_id(name: str) -> str:
    """Return the number that dumps print of a thing: the same each time."""
    return f"{zlib.crc32(name.encode()) & 0xFFFFFFF:x}"
