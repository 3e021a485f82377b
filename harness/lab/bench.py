"""The phones at hand: found on adb servers, held for a run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from harness.adb.server import AdbServer
from harness.devices.book import NOTHING_WRITTEN, PhoneBook
from harness.devices.inventory import PhoneInfo, inventory
from harness.devices.unmet import some_of
from harness.errors import NoPhoneError
from harness.lab.attempt.tools import RealTools
from harness.lab.clock import Clock, SystemClock
from harness.lab.engines.crew import Crew, HostCrew
from harness.lab.holding import Holder, HostKeeper, take_free
from harness.lab.planning.plan import Plan, PlannedJob, with_candidates
from harness.lab.ports import LabPhone, Tools

if TYPE_CHECKING:
    from harness.lab.settings import RunSettings


WAIT_S: Final = 5.0
"""Phones that others hold are asked for again after so long."""


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

    @contextmanager
    def crew(
        self, owner: str, run: str, note: Callable[[str], None] = lambda _: None
    ) -> Iterator[Crew]:
        """Return who holds the phones for an owner and works with them; let go at the end.

        Args:
            owner: Who, unique among processes.
            run: What for.
            note: Told when a phone has lost the owner's note.
        """
        with host_keeper(self, owner, run, note) as keeper:
            yield HostCrew(keeper, self.tools, self.clock, self._phones if self.look else None)

    def _phones(self) -> Sequence[LabPhone]:
        return self.look().phones if self.look is not None else ()


def host_keeper(
    bench: Bench, owner: str, run: str, note: Callable[[str], None] = lambda _: None
) -> HostKeeper:
    """Return who holds phones of this host for an owner, see `Bench.crew`."""
    holder = Holder.here(owner, run, bench.lease_root)
    return HostKeeper(holder, bench.tools, root=bench.lease_root, clock=bench.clock, note=note)


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


@contextmanager
def manned(
    bench: Bench,
    plan: Plan,
    owner: str,
    run: str,
    settings: RunSettings,
    phones: Sequence[LabPhone] | None = None,
) -> Iterator[tuple[Crew, list[PlannedJob], dict[str, str]]]:
    """Hold the phones of a plan; let go at the end.

    Where ``settings.wait`` says so, it is waited until every job has a phone; meanwhile none is
    held, so that two runs that wait never wait for each other.

    Args:
        bench: The phones.
        plan: What is to be done.
        owner: Who holds them.
        run: What for.
        settings: Of the run.
        phones: Those to hold; None for those of the plan.

    Yields:
        Who holds them, the jobs kept to the phones that are ours, and serial -> why another is not.

    Raises:
        NoPhoneError: Every phone of a job is held by others.
        StopRequestedError: The user stopped the wait.
    """
    told = ""
    while True:
        with ExitStack() as stack:
            crew = stack.enter_context(bench.crew(owner, run, settings.progress.note))
            busy = take_free(crew.keeper, plan.phones if phones is None else phones)
            try:
                jobs = held_only(plan.placed, crew.keeper.serials, busy)
            except NoPhoneError as error:
                if not settings.wait:
                    raise
                what = str(error)
            else:
                yield crew, jobs, busy
                return
        if what != told:
            told = what
            settings.progress.note("waiting: " + "; ".join(busy.values()))
        bench.clock.wait(settings.stop.gentle, WAIT_S)
        settings.stop.check()


def held_only(
    jobs: Sequence[PlannedJob], held: Collection[str], busy: Mapping[str, str]
) -> list[PlannedJob]:
    """Keep every job to the phones that are ours.

    Raises:
        NoPhoneError: None of some jobs' phones is; all of them are told.
    """
    held_jobs = [with_candidates(job, list(held)) for job in jobs]
    lacking = [job for job, ours in zip(jobs, held_jobs, strict=True) if not ours.candidates]
    if lacking:
        serials = dict.fromkeys(serial for job in lacking for serial in job.candidates)
        lines = "\n".join(f"  {busy[serial]}" for serial in serials)
        names = some_of([job.spec.job_id for job in lacking], 4)
        word = "job" if len(lacking) == 1 else f"{len(lacking)} jobs"
        raise NoPhoneError(
            f"every phone that fits {word} {names} is in use:\n{lines}\n"
            "  Wait for the other run (--wait does), or see `harness status`."
        )
    return held_jobs
