"""The phones that workers offer, as a bench for the coordinator, and who works with them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from harness import __version__
from harness.adb.errors import AdbError
from harness.devices.inventory import PhoneInfo
from harness.errors import NoPhoneError
from harness.lab.attempt.tools import RealTools
from harness.lab.bench import Bench
from harness.lab.clock import Clock
from harness.lab.engines.crew import Crew
from harness.lab.engines.remote import RemoteEngine
from harness.lab.engines.wire import Fabric, Hello, WorkerFailedError, WorkerGoneError
from harness.lab.holding import renewing
from harness.lab.ports import LabPhone
from harness.lab.run_view import RunView
from harness.lab.scheduling.engine import Engine


class RemoteTools(RealTools):
    """What a coordinator itself does to phones of other hosts: it cleans what a dead one left."""

    def __init__(self, fabric: Fabric, home: Mapping[str, str]) -> None:
        super().__init__()
        self._fabric = fabric
        self._home = home

    def clean(self, phone: LabPhone, *, speech: bool) -> Sequence[str]:
        """See `harness.lab.ports.Tools`."""
        try:
            worker = self._home[phone.serial]
            notes: Sequence[str] = self._fabric.call(worker, "clean", phone.serial, speech)
        except (WorkerGoneError, WorkerFailedError) as error:
            raise AdbError(str(error), serial=phone.serial, command="clean") from error
        return notes


class WorkersKeeper:
    """A `Keeper` of phones that hang elsewhere: the worker there holds each while it is needed.

    Here stands only which ones the run counts on.

    Args:
        clock: Where the time comes from.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._serials: set[str] = set()

    @property
    def serials(self) -> Collection[str]:
        """See `Keeper`."""
        return self._serials

    def take(self, phone: LabPhone) -> None:
        """See `Keeper`; what another run holds, workers have not offered."""
        self._serials.add(phone.serial)

    @contextmanager
    def held(self, phone: LabPhone) -> Iterator[None]:  # noqa: ARG002 - as `Keeper` has it
        """See `Keeper`; its worker holds it for what is done to it, see `Host.clean`."""
        yield

    def renewing(self, beat: Callable[[], None]) -> AbstractContextManager[None]:
        """See `Keeper`."""
        return renewing(beat, self._clock)


@dataclass(frozen=True)
class WorkersCrew:
    """A `Crew` for phones that hang where workers run.

    Args:
        keeper: Which phones the run counts on.
        fabric: How to reach the workers.
    """

    keeper: WorkersKeeper
    fabric: Fabric

    def engine(self, run: RunView) -> Engine:
        """See `Crew`."""
        return RemoteEngine(self.fabric, run)


@dataclass(frozen=True, kw_only=True)
class RemoteBench(Bench):
    """Phones that workers offer.

    Args:
        fabric: How to reach the workers.
    """

    fabric: Fabric

    @contextmanager
    def crew(
        self,
        owner: str,  # noqa: ARG002 - each engine says at the workers who it is
        run: str,  # noqa: ARG002
        note: Callable[[str], None] = lambda _: None,  # noqa: ARG002
    ) -> Iterator[Crew]:
        """See `Bench`."""
        yield WorkersCrew(WorkersKeeper(self.clock), self.fabric)


def remote_bench(
    fabric: Fabric, scheduler: str, progress: Callable[[str], None], run: str = ""
) -> RemoteBench:
    """Find the phones that workers offer.

    Args:
        fabric: How to reach the workers.
        scheduler: Where they are met, for the run's record.
        progress: Called with what a user should know.
        run: The run that is resumed: what its dead coordinator holds is not busy for it.

    Raises:
        NoPhoneError: There is no worker.
    """
    phones: dict[str, LabPhone] = {}
    home: dict[str, str] = {}
    unusable: list[PhoneInfo] = []
    workers = fabric.workers()
    for worker in sorted(workers):
        try:
            hello: Hello = fabric.call(worker, "hello", run)
        except (WorkerGoneError, WorkerFailedError) as error:
            progress(f"{worker} is left out: {error}")
            continue
        if hello.version != __version__:
            progress(f"{hello.host} is left out: its version is {hello.version}, not {__version__}")
            continue
        unusable += hello.unusable
        for info in hello.phones:
            if info.serial in hello.busy:
                progress(hello.busy[info.serial])
            elif info.serial in phones:
                progress(f"{info.serial} is offered twice; {hello.host} is passed over for it")
            else:
                phones[info.serial] = LabPhone(info, None)
                home[info.serial] = worker
    if not workers:
        raise NoPhoneError(
            f"no worker offers phones at {scheduler}\n"
            f"  On each host with phones: harness worker {scheduler}"
        )
    return RemoteBench(
        [phones[serial] for serial in sorted(phones)],
        RemoteTools(fabric, home),
        tuple(unusable),
        {"engine": "dask", "scheduler": scheduler},
        fabric=fabric,
    )
