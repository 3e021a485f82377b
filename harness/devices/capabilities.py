"""What a phone lets adb's shell do and read: tried once a phone, recorded, and used.

What is absent here is absent in a result too: never a zero. The answers that sampling needs
(``meminfo``, ``stat_bytes``, ``battery`` ...) are read by ``harness.sampling.probe``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import NamedTuple

from harness.adb.errors import AdbError
from harness.adb.phone import Phone
from harness.adb.server import AdbServer
from harness.adb.shell import quote
from harness.devices.findings import Check, Outcome
from harness.devices.gates import TRAINER_PACKAGE
from harness.devices.inventory import PhoneInfo
from harness.results.model import CapabilitiesRecord

log = logging.getLogger(__name__)

_TIMEOUT_S = 60.0
_AT_ONCE = 8
_LINE = re.compile(r"([a-z0-9_]{1,24})=(.{0,200})")


class Known(NamedTuple):
    """A thing that is tried."""

    without: str
    """What is lost where it does not work."""
    outcome: Outcome = "info"


KNOWN: dict[str, Known] = {
    "write": Known("The work folder cannot be written.", "problem"),
    "sha256sum": Known("Pushed files cannot be verified.", "problem"),
    "tail": Known("Logs cannot be followed.", "problem"),
    "touch": Known("Files that were touched are hashed again each time."),
    "df": Known("Free storage is not known before a push."),
    "pidof": Known("The trainer's process is not found: its CPU and memory are not sampled."),
    "meminfo": Known("MemAvailable is not known: no sampling of it, no RAM pressure.", "problem"),
    "other_stat": Known("CPU time of the trainer's process cannot be read.", "warning"),
    "other_status": Known("Peak memory of the trainer's process comes from samples alone."),
    "pressure": Known("The kernel's own figures of memory stalls cannot be read."),
    "thermal_sysfs": Known("Temperatures come from thermalservice alone."),
    "battery_sysfs": Known("The battery is known by dumpsys alone."),
    "battery": Known("Battery level and temperature are not known.", "warning"),
    "thermal": Known("Thermal status is not known."),
    "deviceidle": Known("Doze is not seen, and the trainer not exempt from it."),
    "appops": Known("Background limits are not lifted."),
    "device_config": Known("Limits of processes in the background are not lifted."),
    "exit_info": Known("Why a process ended is known from the log alone."),
    "events_log": Known("Kills by ActivityManager are not seen in the log."),
}
"""What is tried; anything else that a phone answers is a value."""


def probe_command(work_dir: str, proc_dir: str) -> str:
    """Return one command that tries everything; it prints ``name=value`` of what works."""
    work, proc = quote(work_dir), quote(proc_dir)
    above = quote(str(PurePosixPath(work_dir).parent))
    return f"""
can_read() {{ cat "$2" >/dev/null 2>&1 && echo $1=1; }}
( cd {work} 2>/dev/null || cd {above} || exit
t=.mobileasr-probe-$$
printf x > $t && echo write=1
[ "$(sha256sum $t | cut -c1-4)" = 2d71 ] && echo sha256sum=1
[ "$(tail -c +1 $t)" = x ] && echo tail=1
TZ=UTC0 touch -t 200901010000.00 $t && echo touch=1
df -k . | grep -q % && echo df=1
rm -f $t ) 2>/dev/null
for o in $(pidof com.android.systemui system_server 2>/dev/null) 1; do
can_read other_stat /proc/$o/stat && can_read other_status /proc/$o/status && break
done
can_read meminfo {proc}/meminfo; can_read pressure /proc/pressure/memory
can_read thermal_sysfs /sys/class/thermal/thermal_zone0/temp
can_read battery_sysfs /sys/class/power_supply/battery/capacity
echo stat_bytes=$(wc -c 2>/dev/null < {proc}/stat)
echo clock_ticks=$(getconf CLK_TCK 2>/dev/null)
echo page=$(getconf PAGESIZE 2>/dev/null)
echo kernel=$(uname -r 2>/dev/null)
echo toybox=$(toybox --version 2>/dev/null)
command -v pidof >/dev/null 2>&1 && echo pidof=1
says() {{ case "$1" in *"$2"*) echo $3=1;; esac; }}
says "$(dumpsys battery 2>/dev/null </dev/null)" level: battery
says "$(dumpsys thermalservice 2>/dev/null </dev/null)" "Thermal Status" thermal
l=$(dumpsys -l 2>/dev/null </dev/null)
says "$l" deviceidle deviceidle
says "$l" appops appops; says "$l" device_config device_config
says "$(dumpsys activity exit-info {TRAINER_PACKAGE} 2>/dev/null </dev/null)" "EXIT INFO" exit_info
logcat -d -b events -t 1 >/dev/null 2>&1 && echo events_log=1
true"""


def parse_probe(text: str) -> CapabilitiesRecord:
    """Read what ``probe_command`` printed (pure); what it does not name does not work."""
    answers = {
        match[1]: match[2].strip()
        for line in text.replace("\r", "").split("\n")
        if (match := _LINE.fullmatch(line)) is not None
    }
    return CapabilitiesRecord(
        can={name: answers.get(name) == "1" for name in KNOWN},
        said={
            name: value
            for name, value in answers.items()
            # a message in hexadecimal digits is for the sampler, not for a reader
            if value and name not in KNOWN and not name.endswith("_proto")
        },
    )


def probe(phone: Phone, info: PhoneInfo) -> CapabilitiesRecord:
    """Try everything on a phone. Nothing of it is changed.

    Raises:
        AdbError: It is lost.
    """
    return parse_probe(phone.query(probe_command(info.work_dir, info.proc_dir), _TIMEOUT_S))


def with_capabilities(servers: Sequence[AdbServer], infos: Sequence[PhoneInfo]) -> list[PhoneInfo]:
    """Return phones with what they can do, all of them asked at once; None where one is lost."""

    def ask(info: PhoneInfo) -> PhoneInfo:
        if not info.usable:
            return info
        try:
            record = probe(info.phone(servers), info)
        except (AdbError, LookupError) as error:
            log.warning("%s: not probed: %s", info.serial, error)
            return info
        return info.model_copy(update={"capabilities": record})

    if not infos:
        return []
    with ThreadPoolExecutor(min(_AT_ONCE, len(infos)), thread_name_prefix="probe") as pool:
        return list(pool.map(ask, infos))


def checks(serial: str, record: CapabilitiesRecord) -> Iterator[Check]:
    """Yield what the doctor says of a phone's capabilities (pure)."""
    missing = [name for name in KNOWN if not record.can.get(name)]
    for name in missing:
        known = KNOWN[name]
        if known.outcome != "info":
            yield Check(serial, f"capability {name}", known.outcome, known.without)
    said = ", ".join(f"{name} {value}" for name, value in record.said.items() if name in _SHOWN)
    there = f"{len(KNOWN) - len(missing)} of {len(KNOWN)} work"
    minor = [name for name in missing if KNOWN[name].outcome == "info"]
    if minor:
        lost = " ".join(f"{name}: {KNOWN[name].without}" for name in minor)
        yield Check(serial, "capabilities", "info", f"{there} ({said}). Without {lost}")
    else:
        yield Check(serial, "capabilities", "ok", f"{there} ({said})")


_SHOWN = ("kernel", "toybox", "page")
