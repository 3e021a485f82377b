"""The phones that workers offer, as a bench for the coordinator."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from harness import __version__
from harness.adb.errors import AdbError
from harness.devices.inventory import PhoneInfo
from harness.errors import NoPhoneError
from harness.lab.bench import Bench
from harness.lab.engines.wire import Fabric, Hello, WorkerFailedError, WorkerGoneError
from harness.lab.ports import LabPhone
from harness.lab.tools import RealTools


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
            found: Sequence[str] = self._fabric.call(worker, "clean", phone.serial, speech)
        except (WorkerGoneError, WorkerFailedError) as error:
            raise AdbError(str(error), serial=phone.serial, command="clean") from error
        return found


def name_of(run: Path) -> str:
    """Return what a run folder is called on other hosts: the same when the run is resumed."""
    return f"{socket.gethostname()}:{run.resolve()}"


def remote_bench(
    fabric: Fabric, scheduler: str, lease_root: Path, progress: Callable[[str], None], run: str = ""
) -> Bench:
    """Find the phones that workers offer.

    Args:
        fabric: How to reach the workers.
        scheduler: Where they are met, for the run's record.
        lease_root: A folder for the coordinator's own book of leases; the true ones are held by the
            workers, each on the host of the phone.
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
    return Bench(
        [phones[serial] for serial in sorted(phones)],
        RemoteTools(fabric, home),
        tuple(unusable),
        {"engine": "dask", "scheduler": scheduler},
        lease_root,
    )
