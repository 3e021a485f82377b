"""Which phones the adb servers list, and what each of them is."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from pydantic import BaseModel, ConfigDict, Field

from harness.adb.errors import AdbError
from harness.adb.identity import QUESTION, Identity, real_serial
from harness.adb.listing import NO_SERIAL, UNREADABLE, Listed
from harness.adb.phone import Phone
from harness.adb.server import AdbServer
from harness.devices.profile import DEFAULT_WORK_DIR, DeviceProfile, load_profiles, recognise
from harness.readings import ReadingError, parse_getprop, parse_proc_meminfo
from harness.results.model import CapabilitiesRecord, Origin, PhoneRecord

log = logging.getLogger(__name__)

_ASK_TIMEOUT_S = 20.0
_AT_ONCE = 16
_MARK = "#mobileasr-meminfo"
# one round trip; a virtual phone names the folder of its own kernel files
_QUESTION = (
    f"getprop; echo; echo '{_MARK}'; d=$(getprop debug.mobileasr.proc_dir); "
    f'cat "${{d:-/proc}}/meminfo"; {QUESTION}'
)

ADVICE = {
    "unauthorized": (
        "Unlock the phone and accept this computer's debugging key. If it does not ask: Developer "
        "options > Revoke USB debugging authorisations, then plug it in again."
    ),
    "offline": "Plug it in again, or: adb reconnect offline. A TCP phone: connect it again.",
    "no permissions": (
        "Linux does not let adb use this USB device: install android-udev-rules (or add a udev "
        "rule for its vendor) and plug it in again."
    ),
    "authorizing": "Wait a moment and ask again.",
    "connecting": "Wait a moment and ask again.",
    "recovery": "Start Android: adb reboot.",
    "sideload": "Start Android: adb reboot.",
    "rescue": "Start Android: adb reboot.",
    "bootloader": "Start Android: fastboot reboot.",
    "host": "It is in host mode: change its USB connection to a charging or file mode.",
    "detached": (
        "Another adb server or tool has taken this USB device: end that, or: adb attach SERIAL."
    ),
    "unknown": "adb does not know how it stands: plug it in again.",
    UNREADABLE: "adb lists it in words that cannot be read here; this is the line.",
    "unresponsive": "It is listed but does not answer: plug it in again, or restart it.",
}

_NO_STATE = "Not a state that is known here: look at `adb devices -l`."
_SEVERAL = (
    "Several phones are listed under this name and adb cannot tell them apart: plug each into a "
    "port of its own, or connect them by TCP."
)


class PhoneInfo(BaseModel):
    """One phone as the inventory found it. Sizes named ``_mb`` are MiB."""

    model_config = ConfigDict(frozen=True)

    serial: str
    """``ro.serialno``; what the adb server calls it if it can't be asked."""
    adb_serial: str
    adb_server: str
    """``host:port``."""
    state: str
    """``device`` when usable; otherwise adb's word, or ``unresponsive``."""
    advice: str = ""
    """What to do when it is not usable."""
    also: tuple[str, ...] = ()
    """Other names under which the servers list the same phone (USB and Wi-Fi)."""
    boot_id: str = ""
    """Of its kernel, where it can be read: two phones never have one."""
    profile: str = ""
    title: str = ""
    model: str = ""
    manufacturer: str = ""
    android: str = ""
    sdk: int = 0
    abi: str = ""
    soc: str = ""
    ram_total_mb: float = 0.0
    available_mb: float | None = None
    """MemAvailable when it was asked."""
    idle_available_mb: float | None = None
    """Of the profile; None for the generic one, whose figure is only assumed."""
    work_dir: str = DEFAULT_WORK_DIR
    proc_dir: str = "/proc"
    origin: Origin = "device"
    isolation: str | None = None
    host_wide: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    alias: str = ""
    """What people call it, see `harness.devices.book`; "" for nothing."""
    note: str = ""
    properties: dict[str, str] = Field(default_factory=dict)
    capabilities: CapabilitiesRecord | None = None
    """What its shell may do and read; None until it was tried."""

    @property
    def usable(self) -> bool:
        """Whether it can be worked with."""
        return self.state == "device"

    def record(self) -> PhoneRecord:
        """Return the phone as results name it."""
        return PhoneRecord(
            serial=self.serial,
            adb_serial=self.adb_serial,
            profile=self.profile,
            model=self.model,
            android=self.android,
            sdk=self.sdk,
            abi=self.abi,
            ram_total_mb=self.ram_total_mb,
            origin=self.origin,
            isolation=self.isolation,
            host_wide=self.host_wide,
            properties=self.properties,
            capabilities=self.capabilities,
        )

    def phone(self, servers: Sequence[AdbServer]) -> Phone:
        """Return the phone to talk to.

        Raises:
            LookupError: Its server is not among these.
        """
        for server in servers:
            if server.address == self.adb_server:
                return Phone(
                    server,
                    self.adb_serial,
                    self.serial,
                    identity=Identity(
                        self.boot_id,
                        real_serial(self.properties.get("ro.serialno", "")),
                        (self.adb_serial, *self.also),
                    ),
                )
        raise LookupError(f"{self.serial} is on {self.adb_server}, which is not given")


def inventory(
    servers: AdbServer | Sequence[AdbServer],
    profiles: Mapping[str, DeviceProfile] | None = None,
    *,
    only: Sequence[str] | None = None,
    timeout_s: float = _ASK_TIMEOUT_S,
    asked: dict[tuple[str, str], PhoneInfo] | None = None,
) -> list[PhoneInfo]:
    """Return all phones of some adb servers, usable or not, each once.

    Args:
        servers: Where to look.
        profiles: Known models; the shipped ones if None.
        only: Look at no other phones than these (as the servers call them).
        timeout_s: How long one phone may take to answer.
        asked: What a look before this one found, by server and name there: a phone that has been
            listed ever since is not asked again. Kept up to date.

    Raises:
        ServerUnavailable: A server does not answer.
        InputError: A profile is wrong.
    """
    servers = [servers] if isinstance(servers, AdbServer) else list(servers)
    known = load_profiles() if profiles is None else profiles
    listed = [
        (server, line)
        for server in servers
        for line in server.devices()
        if only is None or line.adb_serial in only
    ]
    before = {
        (server.address, line.adb_serial): asked[server.address, line.adb_serial]
        for server, line in listed
        if asked and line.state == "device" and (server.address, line.adb_serial) in asked
    }
    new = [one for one in listed if (one[0].address, one[1].adb_serial) not in before]
    infos = list(before.values())
    if new:
        with ThreadPoolExecutor(min(_AT_ONCE, len(new)), thread_name_prefix="inventory") as pool:
            infos += pool.map(lambda one: _ask(one[0], one[1], known, timeout_s), new)
    if asked is not None:
        asked.clear()
        asked.update({(one.adb_server, one.adb_serial): one for one in infos if one.usable})
    return _each_once(infos)


def describe(
    server: AdbServer,
    adb_serial: str,
    text: str,
    profiles: Mapping[str, DeviceProfile],
) -> PhoneInfo:
    """Make a phone of its answer: ``getprop``, then its meminfo (pure).

    Raises:
        ReadingError: It did not print properties.
    """
    head, _, tail = text.partition(_MARK)
    properties = dict(parse_getprop(head).properties)
    get = properties.get
    profile = recognise(properties, profiles)
    virtual = get("ro.vlab.virtual") == "1"
    total = available = None
    try:
        meminfo = parse_proc_meminfo(tail)
        total, available = meminfo.total_kb, meminfo.available_kb
    except ReadingError as error:
        log.warning("%s: no meminfo: %s", adb_serial, error)
    serial = get("ro.serialno", "")
    generic = profile is None or not profile.match
    chip = f"{get('ro.soc.manufacturer', '')} {get('ro.soc.model', '')}".strip()
    return PhoneInfo(
        serial=real_serial(serial) or adb_serial,
        boot_id=Identity.of(tail).boot_id,
        adb_serial=adb_serial,
        adb_server=server.address,
        state="device",
        profile=profile.name if profile else "",
        title=profile.title if profile and not generic else get("ro.product.model", ""),
        model=get("ro.product.model", ""),
        manufacturer=get("ro.product.manufacturer", ""),
        android=get("ro.build.version.release", ""),
        sdk=int(get("ro.build.version.sdk", "") or 0),
        abi=get("ro.product.cpu.abi", ""),
        soc=profile.soc if profile and not generic else chip or get("ro.board.platform", ""),
        ram_total_mb=0.0 if total is None else total / 1024,
        available_mb=None if available is None else available / 1024,
        idle_available_mb=profile.idle_available_mb
        if profile and (virtual or not generic)
        else None,
        work_dir=get("debug.mobileasr.work_dir")
        or (profile.work_dir if profile else DEFAULT_WORK_DIR),
        proc_dir=get("debug.mobileasr.proc_dir") or "/proc",
        origin=_origin(properties),
        isolation=get("ro.vlab.isolation") if virtual else None,
        host_wide=_words(get("ro.vlab.host_wide", "")) if virtual else (),
        tags=_words(get("debug.mobileasr.tags", "")),
        properties=properties,
    )


def _origin(properties: Mapping[str, str]) -> Origin:
    """Return what results of this phone are: a virtual phone says whether it only replays."""
    if properties.get("ro.vlab.virtual") != "1":
        return "device"
    return "trace" if properties.get("ro.vlab.trainer") == "trace" else "virtual"


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in (part.strip() for part in text.split(",")) if word)


def _ask(
    server: AdbServer, line: Listed, profiles: Mapping[str, DeviceProfile], timeout_s: float
) -> PhoneInfo:
    def unusable(state: str, detail: str = "") -> PhoneInfo:
        return PhoneInfo(
            serial=line.adb_serial,
            adb_serial=line.adb_serial,
            adb_server=server.address,
            state=state,
            advice=" ".join(filter(None, [detail or line.detail, ADVICE.get(state, _NO_STATE)])),
            model=line.tags.get("model", ""),
        )

    if line.state != "device":
        return unusable(line.state)
    if line.adb_serial == NO_SERIAL:
        return unusable("unreachable", _SEVERAL)
    try:
        answer = Phone(server, line.adb_serial).shell(_QUESTION, timeout_s)
        return describe(server, line.adb_serial, answer.stdout, profiles)
    except (AdbError, ReadingError, ValueError) as error:
        return unusable("unresponsive", f"({error})")


def _each_once(infos: Sequence[PhoneInfo]) -> list[PhoneInfo]:
    """Keep one entry a phone: USB before TCP, and the others as names it also has."""
    chosen: list[PhoneInfo] = []
    for info in sorted(infos, key=lambda one: (not one.usable, _by_network(one))):
        twin = next((one for one in chosen if _same(one, info)), None)
        if twin is None:
            chosen.append(info)
        else:
            at = chosen.index(twin)
            chosen[at] = twin.model_copy(update={"also": (*twin.also, info.adb_serial)})
    return _apart(sorted(chosen, key=lambda one: (one.serial, one.adb_serial)))


def _by_network(info: PhoneInfo) -> bool:
    return ":" in info.adb_serial or "._adb-tls-connect" in info.adb_serial


def _same(one: PhoneInfo, other: PhoneInfo) -> bool:
    """Say whether two lines are one phone under two names.

    Phones of different boot ids are different. Those of one boot id may still be: phones in
    containers share a kernel, and are told apart by their serial numbers.
    """
    if not (one.usable and other.usable):
        return False
    if one.boot_id and other.boot_id:
        numbers = {_number(info) for info in (one, other)} - {""}
        return one.boot_id == other.boot_id and len(numbers) < 2
    if one.serial != other.serial:
        return False
    # two USB devices of one server are two phones, even if a cheap maker gave both one serial
    return _by_network(one) or _by_network(other) or one.adb_server != other.adb_server


def _number(info: PhoneInfo) -> str:
    return real_serial(info.properties.get("ro.serialno", ""))


def _apart(infos: list[PhoneInfo]) -> list[PhoneInfo]:
    """Give phones with one serial number different names, since everything is keyed by it."""
    count: dict[str, int] = {}
    for info in infos:
        count[info.serial] = count.get(info.serial, 0) + 1
    return [
        info.model_copy(update={"serial": f"{info.serial}@{info.adb_serial}"})
        if count[info.serial] > 1
        else info
        for info in infos
    ]
