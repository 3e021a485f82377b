"""Is this host (see `doctor_host`), and is each phone, fit for work? What to do where not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath

from harness.adb.errors import AdbError
from harness.adb.phone import Phone
from harness.adb.server import AdbServer
from harness.adb.shell import quote
from harness.devices.doctor_host import check_host
from harness.devices.findings import Check, Outcome
from harness.devices.gates import TRAINER_PACKAGE, read_state
from harness.devices.inventory import PhoneInfo
from harness.devices.profile import GENERIC, load_profiles

_LITERT_ABIS = ("arm64-v8a", "x86_64", "armeabi-v7a")
_CALL_TIMEOUT_S = 20.0

__all__ = ["Check", "check_host", "check_phone", "check_phones"]

# What the harness asks of a phone's own tools: each line must print its name.
_TOOLS = """
cd {work} 2>/dev/null || cd {above} || exit 0
t=.mobileasr-doctor-$$
printf x > $t && echo write
[ "$(sha256sum $t | cut -c1-4)" = 2d71 ] && echo sha256sum
[ "$(tail -c +1 $t)" = x ] && echo tail
TZ=UTC0 touch -t 200901010000.00 $t && echo touch
df -k . | grep -q % && echo df
[ -r /proc/$$/stat ] && echo procfs
[ "$(getconf PAGESIZE)" -gt 0 ] && echo getconf
rm -f $t
true
"""
_TOOL_NAMES = {
    "write": ("problem", "The work folder cannot be written."),
    "sha256sum": ("problem", "Pushed files cannot be verified."),
    "tail": ("problem", "Logs cannot be followed."),
    "touch": ("info", "Files that were touched are hashed again each time."),
    "df": ("info", "Free storage is not known before a push."),
    "procfs": ("problem", "The kernel's figures of processes cannot be read."),
    "getconf": ("info", "Pages of 4 KiB are assumed."),
}


def check_phones(servers: Sequence[AdbServer], infos: Sequence[PhoneInfo]) -> list[Check]:
    """Look at every phone of an inventory."""
    if not infos:
        where = ", ".join(server.address for server in servers) or "no adb server"
        advice = (
            "Plug one in with USB debugging switched on (Developer options), or use virtual ones: "
            "--farm virtual."
        )
        return [Check("host", "phones", "warning", f"no phone on {where}", advice)]
    with ThreadPoolExecutor(min(8, len(infos)), thread_name_prefix="doctor") as pool:
        found = pool.map(lambda info: check_phone(servers, info), infos)
    return [check for checks in found for check in checks]


def check_phone(servers: Sequence[AdbServer], info: PhoneInfo) -> list[Check]:
    """Look at one phone. Nothing of it is changed."""
    if not info.usable:
        return [Check(info.serial, "connection", "problem", info.state, info.advice)]
    kind = f"{info.title or info.model}, Android {info.android}, {info.ram_total_mb:.0f} MiB RAM"
    origin = f"virtual ({info.isolation})" if info.origin == "virtual" else "device"
    checks = [Check(info.serial, "connection", "ok", f"{kind}, {origin}")]
    checks += _known_by_record(info)
    try:
        phone = info.phone(servers)
        checks += _state(phone, info)
        checks += _tools(phone, info)
    except (AdbError, LookupError) as error:
        checks.append(Check(info.serial, "connection", "problem", str(error)))
    return checks


def _known_by_record(info: PhoneInfo) -> Iterator[Check]:
    if info.also:
        yield Check(info.serial, "names", "info", f"also listed as {', '.join(info.also)}")
    if info.profile in ("", GENERIC) and info.origin == "device":
        advice = (
            "Copy device_profiles/generic.yaml, give it a match: on ro.product.device "
            f"({info.properties.get('ro.product.device', '?')}) and this phone's figures."
        )
        yield Check(info.serial, "profile", "info", "no profile knows this model", advice)
    else:
        yield Check(info.serial, "profile", "ok", info.profile)
    if info.abi not in _LITERT_ABIS:
        yield Check(
            info.serial,
            "abi",
            "problem",
            f"the trainer's runtime does not exist for {info.abi or 'an unknown ABI'}",
        )
    if info.origin == "virtual":
        return
    if info.sdk and info.sdk < 26:
        yield Check(
            info.serial, "android", "problem", f"Android {info.android} is too old; 8.0 is needed"
        )
    if info.sdk >= 31:
        yield Check(
            info.serial,
            "phantom-processes",
            "info",
            "Android 12 and later end child processes of apps beyond 32",
            "adb shell device_config put activity_manager max_phantom_processes 2147483647",
        )
    profile = load_profiles().get(info.profile)
    for quirk in profile.quirks if profile else ():
        # a program cannot see these settings; a person should look once
        yield Check(info.serial, quirk.id, "info", quirk.what, quirk.advice)


def _state(phone: Phone, info: PhoneInfo) -> Iterator[Check]:
    state = read_state(phone, info)
    serial = info.serial
    if not state.booted:
        yield Check(serial, "boot", "warning", "Android is still starting", "Wait a moment.")
    if state.trainer_version is None:
        yield Check(
            serial,
            "trainer",
            "warning",
            f"{TRAINER_PACKAGE} is not installed",
            "Install its APK; the run does it where it is given one.",
        )
    else:
        yield Check(serial, "trainer", "ok", f"version {state.trainer_version}")
    if state.battery is None:
        yield Check(serial, "battery", "warning", "dumpsys battery says nothing")
    elif state.battery.updates_stopped:
        advice = f"adb -s {quote(info.adb_serial)} shell dumpsys battery reset"
        yield Check(serial, "battery", "warning", "somebody fakes the battery's values", advice)
    else:
        percent = state.battery.percent
        shown = "level not told" if percent is None else f"{percent:.0f} %"
        yield Check(serial, "battery", "ok", f"{shown}, {state.battery.status_name or 'unknown'}")
    if state.available_mb is None:
        yield Check(serial, "memory", "problem", "the phone does not tell MemAvailable")
    else:
        yield Check(serial, "memory", "ok", f"{state.available_mb:.0f} MiB available")
    if state.free_storage_mb is not None:
        low = state.free_storage_mb < 512
        advice = "Free some storage on the phone." if low else ""
        shown = f"{state.free_storage_mb:.0f} MiB free"
        yield Check(serial, "storage", "warning" if low else "ok", shown, advice)
    if state.power_save:
        advice = "Switch battery saver off: it slows the processor."
        yield Check(serial, "power-save", "warning", "battery saver is on", advice)
    if phone.stat(f"{info.work_dir}/restore.json") is not None:
        advice = "The next run puts them back."
        yield Check(serial, "settings", "info", "settings wait to be put back", advice)


def _tools(phone: Phone, info: PhoneInfo) -> Iterator[Check]:
    above = str(PurePosixPath(info.work_dir).parent)
    command = _TOOLS.format(work=quote(info.work_dir), above=quote(above))
    printed = phone.query(command, _CALL_TIMEOUT_S).split()
    missing = [name for name in _TOOL_NAMES if name not in printed]
    for name in missing:
        outcome, detail = _TOOL_NAMES[name]
        yield Check(info.serial, f"tool {name}", _outcome(outcome), detail)
    if not missing:
        yield Check(info.serial, "tools", "ok", f"{len(printed)} of {len(printed)} work")


def _outcome(text: str) -> Outcome:
    return "problem" if text == "problem" else "info"
