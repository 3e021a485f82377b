"""What an attempt needs of the world, as narrow protocols.

``harness.lab.attempt.tools`` fills them with the real parts (adb, sampling, pressure, devices);
tests fill them with strict fakes. Nothing here knows whether a phone is real or virtual. All of
them may raise ``harness.adb.errors.AdbError``; what else they raise stands with them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from harness.adb.shell import ShellResult
from harness.adb.transfer import LocalFile
from harness.devices.gates import Gates
from harness.devices.inventory import PhoneInfo
from harness.devices.preparing import Wishes
from harness.lab.attempt.event_feed import Feed
from harness.pressure import Goal, Pressure
from harness.results.model import (
    AttemptResult,
    CapabilitiesRecord,
    GateRecord,
    PhoneRecord,
    TransferRecord,
)
from harness.sampling import Sampler


@dataclass(frozen=True)
class LabPhone:
    """A phone that takes part in a run.

    Args:
        info: What it is.
        handle: Whatever the tools need to talk to it; opaque to the lab.
    """

    info: PhoneInfo
    handle: Any

    @cached_property
    def record(self) -> PhoneRecord:
        """The phone as results name it."""
        return self.info.record()

    @property
    def serial(self) -> str:
        """``ro.serialno``."""
        return self.info.serial

    @property
    def work_dir(self) -> str:
        """The harness's folder on it."""
        return self.info.work_dir

    @property
    def said(self) -> dict[str, str]:
        """What it told when its capabilities were tried; nothing before."""
        capabilities = self.info.capabilities
        return {} if capabilities is None else capabilities.said

    def found_again(self, phone: LabPhone) -> LabPhone:
        """Return the phone as it is reached now, with what is known of it from before."""
        before = {"capabilities": self.info.capabilities}
        return LabPhone(phone.info.model_copy(update=before), phone.handle)

    def moved(self, phone: LabPhone) -> bool:
        """Say whether it is reached otherwise now: by another server, cable or address."""
        now, before = phone.info, self.info
        return (now.adb_server, now.adb_serial) != (before.adb_server, before.adb_serial)

    @property
    def trainer_dir(self) -> str:
        """Below it the trainer writes (`harness.devices.trainer_app`)."""
        return self.said.get("files_in", "") or self.work_dir


class Tools(Protocol):
    """Everything an attempt does to one phone."""

    def shell(self, phone: LabPhone, command: Sequence[str], timeout_s: float) -> ShellResult:
        """Run a command; its exit code is the caller's business."""
        ...

    def away_s(self, phone: LabPhone) -> float | None:
        """Return for how long a phone has not answered that is waited for; None if it answers."""
        ...

    def gate(
        self,
        phone: LabPhone,
        gates: Gates,
        wishes: Wishes,
        limit_s: float,
        stop: threading.Event,
        on_shut: Callable[[str, float], None],
    ) -> tuple[tuple[GateRecord, ...], Sequence[str]]:
        """Wait until the phone is fit to be measured, and set what measuring wants set.

        Args:
            phone: The phone.
            gates: What it has to be like.
            wishes: What is set.
            limit_s: How long a gate without a limit of its own is waited for.
            stop: Set to wait no longer.
            on_shut: Told again and again which gates are shut, with what they want and see, and for
                how many more seconds they are waited for.

        Returns:
            The gates, and notes about settings.

        Raises:
            GateTimedOut: A gate stayed shut.
            NotAllowedError: The phone refuses a setting that is required.
        """
        ...

    def ungate(self, phone: LabPhone) -> Sequence[str]:
        """Put back what `gate` changed; return notes about it."""
        ...

    def push(
        self,
        phone: LabPhone,
        files: Sequence[LocalFile],
        limit_s: float,
        stop: threading.Event,
        on_wait: Callable[[bool], None],
        *,
        lost_s: float,
        keep: bool,
    ) -> TransferRecord:
        """Make sure that the phone holds ``files`` under ``<work>/cas``.

        Args:
            phone: The phone.
            files: What.
            limit_s: For each batch of files.
            stop: Set to wait no longer for other phones of the same hub.
            on_wait: Told True when the phone has to wait for those, False when its turn came.
            lost_s: How long a phone that is away is waited for.
            keep: They stay there when the phone is left.
        """
        ...

    def write(self, phone: LabPhone, path: str, data: bytes) -> None:
        """Write a small file on the phone."""
        ...

    def remove(self, phone: LabPhone, paths: Sequence[str]) -> None:
        """Remove files and folders below the phone's work folder; absent ones are no error."""
        ...

    def pull(self, phone: LabPhone, path: str, local: Path, limit_s: float) -> None:
        """Copy a file from the phone."""
        ...

    def tail(self, phone: LabPhone, path: str, lines: int, limit_s: float) -> str:
        """Return the last lines of a file of the phone; nothing if it is not there."""
        ...

    def follow(self, phone: LabPhone, path: str, offset: int, lost_s: float) -> Feed:
        """Follow a growing file from a byte offset."""
        ...

    def sampler(self, phone: LabPhone, folder: str, local: Path, period_s: float) -> Sampler:
        """Prepare sampling into ``folder`` on the phone; raw frames go to the file ``local``."""
        ...

    def pressure(
        self,
        phone: LabPhone,
        goal: Goal,
        means: Sequence[str],
        apps: Sequence[str],
        limit_s: float,
        journal: Path,
    ) -> Pressure:
        """Prepare pressure; the file ``journal`` gets what another process must know to go on."""
        ...

    def probe(self, phone: LabPhone) -> CapabilitiesRecord:
        """Return what the phone's shell may do and read; tried once, then remembered."""
        ...

    def clean(self, phone: LabPhone, *, speech: bool) -> Sequence[str]:
        """Undo what a run may have left on a phone: ballast, trainer, settings, attempt folders.

        Args:
            phone: The phone.
            speech: Also remove recordings, and what else runs pushed and do not keep.

        Returns:
            Notes of what could not be undone.
        """
        ...


@dataclass(frozen=True)
class PhoneStatus:
    """What one phone is doing, for a display."""

    serial: str
    profile: str
    job_id: str | None = None
    axes: tuple[tuple[str, str], ...] = ()
    """What the matrix sets for its job: (name, value)."""
    attempt: int = 0
    step: str = "idle"
    phase: str | None = None
    sub_model: str | None = None
    epoch: int | None = None
    epochs: int | None = None
    wer_percent: float | None = None
    available_mb: float | None = None
    """As sampled since the step or phase began; None before that."""
    available_age_s: float | None = None
    """How long ago it was sampled."""
    note: str = ""


class Progress(Protocol):
    """Who wants to know how a run goes. Called from several threads; must return soon."""

    def phone(self, status: PhoneStatus) -> None:
        """A phone's state changed."""
        ...

    def ended(self, result: AttemptResult, *, retried: bool) -> None:
        """An attempt ended."""
        ...

    def note(self, text: str) -> None:
        """Something worth a line."""
        ...


class NoProgress:
    """Tells nobody."""

    def phone(self, status: PhoneStatus) -> None:
        """See `Progress`."""

    def ended(self, result: AttemptResult, *, retried: bool) -> None:
        """See `Progress`."""

    def note(self, text: str) -> None:
        """See `Progress`."""
