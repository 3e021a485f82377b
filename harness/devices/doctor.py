"""Is this host, and is each phone, fit for work? What to do where not."""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.adb.errors import AdbError
from harness.adb.phone import Phone
from harness.adb.server import AdbServer, adb_binary
from harness.adb.shell import quote
from harness.devices.gates import TRAINER_PACKAGE, read_state
from harness.devices.inventory import PhoneInfo
from harness.devices.profile import GENERIC, load_profiles
from harness.errors import HarnessError
from harness.paths import cache_root

Outcome = Literal["ok", "info", "warning", "problem"]

_DISTRIBUTION = "mobileasr-lab"
_LEAST_DISK_MB = 2048
_LEAST_MEMORY_MB = 4096
_LITERT_ABIS = ("arm64-v8a", "x86_64", "armeabi-v7a")
_CALL_TIMEOUT_S = 20.0

# What the harness asks of a phone's own tools: each line must print its name.
_TOOLS = """
cd {work} 2>/dev/null || cd /data/local/tmp
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


@dataclass(frozen=True)
class Check:
    """One finding.

    Attributes:
        scope: ``host``, or the serial of a phone.
        name: Short name.
        outcome: ok, info (worth knowing), warning (some things will not work), problem.
        detail: What was found.
        advice: What to do; empty if nothing.
    """

    scope: str
    name: str
    outcome: Outcome
    detail: str
    advice: str = ""


def check_host() -> list[Check]:
    """Look at this computer: Python, packages, adb, isolation, disk, memory, speech."""
    return [
        _python(),
        *_packages(),
        _adb(),
        _isolation(),
        _disk(),
        _machine(),
        _espeak(),
        _profiles(),
    ]


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
    printed = phone.query(_TOOLS.format(work=quote(info.work_dir)), _CALL_TIMEOUT_S).split()
    missing = [name for name in _TOOL_NAMES if name not in printed]
    for name in missing:
        outcome, detail = _TOOL_NAMES[name]
        yield Check(info.serial, f"tool {name}", _outcome(outcome), detail)
    if not missing:
        yield Check(info.serial, "tools", "ok", f"{len(printed)} of {len(printed)} work")


def _outcome(text: str) -> Outcome:
    return "problem" if text == "problem" else "info"


def _python() -> Check:
    version = platform.python_version()
    if (3, 10) <= sys.version_info[:2] <= (3, 14):
        return Check("host", "python", "ok", version)
    return Check("host", "python", "warning", version, "Tried with Python 3.10 to 3.14.")


def _packages() -> Iterator[Check]:
    try:
        wanted = importlib.metadata.requires(_DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        yield Check("host", "packages", "warning", f"{_DISTRIBUTION} is not installed")
        return
    missing, there = [], []
    for line in wanted:
        name = re.match(r"[A-Za-z0-9._-]+", line)
        if name is None or "extra ==" in line:
            continue
        try:
            there.append(f"{name[0]} {importlib.metadata.version(name[0])}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name[0])
    if missing:
        advice = f"pip install {' '.join(missing)}"
        yield Check("host", "packages", "problem", f"missing: {', '.join(missing)}", advice)
    else:
        yield Check("host", "packages", "ok", ", ".join(there))
    model = importlib.util.find_spec("tensorflow") is not None
    detail = "tensorflow is here" if model else "no tensorflow: models can be used, not built"
    advice = "" if model else f"pip install '{_DISTRIBUTION}[model]'"
    yield Check("host", "model building", "ok" if model else "info", detail, advice)


def _adb() -> Check:
    try:
        binary = adb_binary()
        text = _said([str(binary), "version"])
    except (HarnessError, OSError, subprocess.TimeoutExpired) as error:
        return Check("host", "adb", "problem", str(error))
    version = re.search(r"^Version (\S+)", text, re.MULTILINE)
    bundled = "adbutils" in binary.parts
    origin = "of the adbutils wheel" if bundled else str(binary)
    return Check("host", "adb", "ok", f"{version[1] if version else text.strip()}, {origin}")


def _isolation() -> Check:
    command = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "true"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_CALL_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check("host", "isolation", "info", f"not known ({error})")
    if done.returncode == 0:
        return Check("host", "isolation", "ok", "user namespaces: virtual phones have own roots")
    said = done.stderr.decode("utf-8", "replace").strip()
    return Check(
        "host",
        "isolation",
        "info",
        f"no user namespaces ({said}): virtual phones share this host's root",
        "Nothing has to be done; reports name it.",
    )


def _disk() -> Check:
    folder = _existing(cache_root())
    free_mb = shutil.disk_usage(folder).free / (1 << 20)
    low = free_mb < _LEAST_DISK_MB
    advice = f"A run with speech and models takes up to {_LEAST_DISK_MB} MiB." if low else ""
    return Check(
        "host", "disk", "warning" if low else "ok", f"{free_mb:.0f} MiB free at {folder}", advice
    )


def _existing(path: Path) -> Path:
    return next(one for one in (path, *path.parents) if one.exists())


def _machine() -> Check:
    cpus = len(os.sched_getaffinity(0))
    total_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 20)
    low = total_mb < _LEAST_MEMORY_MB
    return Check(
        "host",
        "machine",
        "warning" if low else "ok",
        f"{platform.machine()}, {cpus} CPUs, {total_mb:.0f} MiB",
        "Virtual phones train in this memory; start fewer at once." if low else "",
    )


def _espeak() -> Check:
    try:
        import espeakng_loader

        library, data = espeakng_loader.get_library_path(), espeakng_loader.get_data_path()
        ctypes.CDLL(str(library))
        found = Path(data).is_dir()
    except (ImportError, OSError, AttributeError) as error:
        advice = "pip install espeakng-loader"
        return Check("host", "espeak-ng", "problem", f"cannot be loaded: {error}", advice)
    if not found:
        return Check("host", "espeak-ng", "problem", f"its voices are missing ({data})")
    return Check("host", "espeak-ng", "ok", f"of the espeakng-loader wheel, voices in {data}")


def _profiles() -> Check:
    try:
        return Check("host", "profiles", "ok", ", ".join(load_profiles()))
    except HarnessError as error:
        return Check("host", "profiles", "problem", str(error))


def _said(command: Iterable[str]) -> str:
    done = subprocess.run(list(command), capture_output=True, timeout=_CALL_TIMEOUT_S, check=False)
    return (done.stdout + done.stderr).decode("utf-8", "replace")
