"""Who holds each phone, for ``devices`` and ``doctor``: on this host, else as the phone says."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

from harness.adb.errors import AdbError
from harness.adb.server import AdbServer
from harness.devices.inventory import PhoneInfo
from harness.lab.attempt.tools import RealTools
from harness.lab.holding import Holder, holder_on_host, owner_name, read_note
from harness.lab.ports import LabPhone

_AT_ONCE = 16


@dataclass(frozen=True)
class HeldBy:
    """Who holds a phone.

    Args:
        run: What for: the folder of a run, as far as its holder says.
        owner: Who.
        since_utc: Since when; None if only the phone itself tells of it.
        here: The holder is a process of this host.
    """

    run: str
    owner: str
    since_utc: str | None
    here: bool

    def __str__(self) -> str:
        """Return it as people read it."""
        since = f" since {self.since_utc}" if self.since_utc else ""
        return f"{self.run}{since} ({self.owner}{'' if self.here else ', another host'})"

    def record(self) -> dict[str, object]:
        """Return it for JSON."""
        return asdict(self)


def holders(servers: Sequence[AdbServer], infos: Sequence[PhoneInfo]) -> dict[str, HeldBy]:
    """Return serial -> who holds the phone, for those that are held. Nothing is changed.

    Args:
        servers: Where the phones are.
        infos: The phones; one that does not answer counts as free.
    """
    asker = Holder.here(owner_name(), "")
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="holders") as pool:
        found = pool.map(lambda info: _holder(servers, info, asker), infos)
        return {
            info.serial: held for info, held in zip(infos, found, strict=True) if held is not None
        }


def _holder(servers: Sequence[AdbServer], info: PhoneInfo, asker: Holder) -> HeldBy | None:
    held = holder_on_host(info.serial)
    if held is not None:
        owner = f"{held.by.owner}, pid {held.by.pid} on {held.by.host}"
        return HeldBy(held.by.run, owner, held.since_utc or None, here=True)
    if not info.usable:
        return None
    try:
        noted = read_note(RealTools(), LabPhone(info, info.phone(servers)), asker)
    except (AdbError, LookupError):
        return None
    if noted is None or noted.domain == asker.domain:  # of this host, and its writer is dead
        return None
    return HeldBy(noted.run, noted.owner, None, here=False)
