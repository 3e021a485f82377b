"""What goes between a coordinator and a worker: plain data, pickled by whoever carries it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from harness.adb.transfer import LocalFile
from harness.devices.inventory import PhoneInfo
from harness.errors import HarnessError
from harness.lab.attempt.jobfile import Material, Recording
from harness.lab.ports import PhoneStatus
from harness.lab.scheduling.engine import Stepped

CHUNK = 4 << 20
"""Files travel in pieces of so many bytes."""


class WorkerGoneError(HarnessError):
    """The worker is out of reach; what it was asked counts as never answered."""


class WorkerFailedError(HarnessError):
    """The worker could not do what it was asked, with its own words for it."""


class NotHereError(HarnessError):
    """A worker does not know the coordinator (any more), or is about to end."""


class FabricLostError(HarnessError):
    """Nobody can be reached: what carries the calls is gone."""


@dataclass(frozen=True)
class HostTrouble:
    """A worker cannot write or read its files: the run stops with its words."""

    words: str


class Fabric(Protocol):
    """What carries calls to workers. Used from many threads."""

    def workers(self) -> frozenset[str]:
        """Return the workers that are there now; a process that starts anew has another name.

        Raises:
            FabricLostError: Nobody can say.
        """
        ...

    def call(self, worker: str, method: str, *values: Any, long: bool = False) -> Any:
        """Call a method of a worker's `Host` and return what it gives.

        Args:
            worker: One of `workers`.
            method: Its name.
            values: Its arguments.
            long: It may take hours.

        Raises:
            WorkerGoneError: The worker went away before it answered, or does not know us.
            WorkerFailedError: The method raised something.
        """
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


@dataclass(frozen=True)
class Hello:
    """Who a worker is and what it has.

    Args:
        version: Of this package: pickled data need the same on both sides.
        host: Name of its host.
        phones: What can be worked with.
        unusable: What is listed but cannot be worked with.
        busy: Serial -> who holds it.
    """

    version: str
    host: str
    phones: tuple[PhoneInfo, ...]
    unusable: tuple[PhoneInfo, ...] = ()
    busy: Mapping[str, str] = field(default_factory=dict)


def moved(material: Material, where: Callable[[LocalFile], LocalFile]) -> Material:
    """Return ``material`` with each file as ``where`` has it."""

    def utterances(some: tuple[Recording, ...]) -> tuple[Recording, ...]:
        return tuple((name, text, where(file)) for name, text, file in some)

    return replace(
        material,
        model=where(material.model),
        checkpoint=None if material.checkpoint is None else where(material.checkpoint),
        train=utterances(material.train),
        validation=utterances(material.validation),
        others=tuple(
            replace(other, validation=utterances(other.validation)) for other in material.others
        ),
    )


@dataclass
class News:
    """What happened on a worker since it was last asked."""

    steps: list[Stepped] = field(default_factory=list)
    """In order."""
    statuses: dict[str, PhoneStatus] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    grown: list[tuple[str, int, str, int, bytes]] = field(default_factory=list)
    """(job, attempt, file, offset, bytes) of running attempts."""
