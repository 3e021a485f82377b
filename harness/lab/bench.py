"""The phones at hand: found on adb servers, leased for a run."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.adb.server import AdbServer
from harness.devices.book import NOTHING_WRITTEN, PhoneBook
from harness.devices.inventory import PhoneInfo, inventory
from harness.devices.unmet import some_of
from harness.errors import NoPhoneError
from harness.lab.clock import Clock, SystemClock
from harness.lab.leases import Lease, PhoneBusyError, acquire
from harness.lab.planning.plan import PlannedJob, with_candidates
from harness.lab.ports import LabPhone, Tools
from harness.lab.tools import RealTools


@dataclass(frozen=True)
class Bench:
    """The phones at hand and how to work with them.

    Args:
        phones: Every phone that can be worked with.
        tools: How to talk to them.
        unusable: Phones that are listed but cannot be worked with, with the reason.
        farm: What ``run.json`` says of a virtual farm started for the run.
        lease_root: Folder of the locks; None for this host's.
        clock: Where the time comes from.
        look: Looks again: phones that are plugged in while a run goes on join it; None: none do.
    """

    phones: Sequence[LabPhone]
    tools: Tools
    unusable: Sequence[PhoneInfo] = ()
    farm: Mapping[str, Any] | None = None
    lease_root: Path | None = None
    clock: Clock = SystemClock()  # noqa: RUF009 - without state
    look: Callable[[], Bench] | None = None


def open_bench(
    servers: Sequence[AdbServer],
    *,
    farm: Mapping[str, Any] | None = None,
    only: Sequence[str] | None = None,
    book: PhoneBook = NOTHING_WRITTEN,
    lease_root: Path | None = None,
    apk: Path | None = None,
    remove_trainer: bool = False,
    joins: bool = False,
) -> Bench:
    """Find the phones of some adb servers.

    Args:
        servers: Where to look.
        farm: Of a virtual farm started for the run.
        only: Look at no other phones than these (as the servers call them).
        book: What is written of phones; those out of service are not used.
        lease_root: Folder of the locks; None for this host's.
        apk: The trainer to install, see `RealTools`.
        remove_trainer: See `RealTools`.
        joins: `Bench.look` finds phones that come later.

    Raises:
        ServerUnavailable: A server does not answer.
        InputError: A device profile is wrong.
    """
    tools = RealTools(apk=apk, remove_trainer=remove_trainer)
    asked: dict[tuple[str, str], PhoneInfo] = {}

    def look() -> Bench:
        infos = book.applied(inventory(list(servers), only=only, asked=asked))
        usable = [LabPhone(info, info.phone(servers)) for info in infos if info.usable]
        unusable = tuple(info for info in infos if not info.usable)
        again = look if joins else None
        return Bench(usable, tools, unusable, farm, lease_root, look=again)

    return look()


def owner_name() -> str:
    """Return a name for this process in ledgers and leases."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


def lease_phones(
    stack: ExitStack, phones: Sequence[LabPhone], owner: str, run: str, bench: Bench
) -> tuple[dict[str, Lease], dict[str, str]]:
    """Lease what is free, until ``stack`` closes.

    Returns:
        Serial -> lease, and serial -> why it is not ours.
    """
    leases: dict[str, Lease] = {}
    busy: dict[str, str] = {}
    for phone in phones:
        try:
            lease = acquire(
                phone.serial, owner=owner, run=run, root=bench.lease_root, clock=bench.clock
            )
        except PhoneBusyError as error:
            busy[phone.serial] = str(error)
            continue
        leases[phone.serial] = stack.enter_context(lease)
    return leases, busy


def leased_only(
    jobs: Sequence[PlannedJob], leases: Mapping[str, Lease], busy: Mapping[str, str]
) -> list[PlannedJob]:
    """Keep every job to the phones that are ours.

    Raises:
        NoPhoneError: None of some jobs' phones is; all of them are told.
    """
    kept = [with_candidates(job, list(leases)) for job in jobs]
    lacking = [job for job, ours in zip(jobs, kept, strict=True) if not ours.candidates]
    if lacking:
        serials = dict.fromkeys(serial for job in lacking for serial in job.candidates)
        lines = "\n".join(f"  {busy[serial]}" for serial in serials)
        names = some_of([job.spec.job_id for job in lacking], 4)
        word = "job" if len(lacking) == 1 else f"{len(lacking)} jobs"
        raise NoPhoneError(
            f"every phone that fits {word} {names} is in use:\n{lines}\n"
            "  Wait for the other run, or see `harness status`."
        )
    return kept
