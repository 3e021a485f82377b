"""Is this host (see `doctor_host`), and is each phone, fit for work? What to do where not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from harness.adb.errors import AdbError
from harness.adb.phone import Phone
from harness.adb.server import AdbServer
from harness.adb.shell import quote
from harness.devices.book import OUT_OF_SERVICE, Entry
from harness.devices.capabilities import checks as capability_checks
from harness.devices.capabilities import probe
from harness.devices.changes import AppOp, Change, Unplugged
from harness.devices.doctor_host import check_host
from harness.devices.findings import Check
from harness.devices.gate_wait import read_state
from harness.devices.gates import TRAINER_PACKAGE
from harness.devices.gates.judged import clock, unlocked
from harness.devices.gates.questions import (
    AVAILABLE_MB,
    BATTERY,
    BOOTED,
    FREE_STORAGE_MB,
    POWER_SAVE,
    TRAINER_VERSION,
)
from harness.devices.inventory import PhoneInfo
from harness.devices.page_size import page_size_checks
from harness.devices.profile import GENERIC
from harness.devices.settings_guard import SettingsGuard
from harness.devices.trainer_app import default_apk
from harness.devices.vendors import judge_quirk, questions, quirks_of

_LITERT_ABIS = ("arm64-v8a", "x86_64", "armeabi-v7a")
_CALL_TIMEOUT_S = 20.0

__all__ = ["Check", "check_absent", "check_host", "check_phone", "check_phones"]


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


def check_absent(absent: Mapping[str, Entry]) -> list[Check]:
    """Name the phones that a lab has written down and that no adb server knows."""
    advice = "Is its cable in? If it is away: out_of_service in the file."
    return [
        Check(
            serial,
            "connection",
            "warning",
            f"{entry.alias or 'it'} stands in the phones file and is not connected",
            advice,
        )
        for serial, entry in absent.items()
    ]


def check_phone(servers: Sequence[AdbServer], info: PhoneInfo) -> list[Check]:
    """Look at one phone. Nothing of it is changed."""
    if info.state == OUT_OF_SERVICE:
        return [Check(info.serial, "in service", "info", f"no: {info.advice}")]
    if not info.usable:
        return [Check(info.serial, "connection", "problem", info.state, info.advice)]
    kind = f"{info.title or info.model}, Android {info.android}, {info.ram_total_mb:.0f} MiB RAM"
    origin = f"virtual ({info.isolation})" if info.isolation else "device"
    checks = [Check(info.serial, "connection", "ok", f"{kind}, {origin}")]
    checks += _known_by_record(info)
    try:
        phone = info.phone(servers)
        left = SettingsGuard(phone, info.work_dir).remembered()
        checks += _state(phone, info, left)
        capabilities = info.capabilities or probe(phone, info)
        checks += capability_checks(info.serial, capabilities)
        page = capabilities.said.get("page", "")
        checks += page_size_checks(info.serial, page, info.abi, default_apk())
        checks += _background(phone, info)
        if left:
            what = f"an earlier run left changed: {', '.join(change.told for change in left)}"
            advice = "The next run on this phone puts them back; now: harness doctor --clean."
            checks.append(Check(info.serial, "settings", "info", what, advice))
    except (AdbError, LookupError) as error:
        checks.append(Check(info.serial, "connection", "problem", str(error)))
    return checks


def _known_by_record(info: PhoneInfo) -> Iterator[Check]:
    if info.also:
        yield Check(info.serial, "names", "info", f"also listed as {', '.join(info.also)}")
    if info.profile in ("", GENERIC) and info.origin == "device":
        advice = (
            "Copy generic.yaml into ./device_profiles, give it a match: on ro.product.device "
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
    if info.origin != "device":
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
            "A run lifts that meanwhile (settings: allow_background).",
        )


def _state(phone: Phone, info: PhoneInfo, left: Sequence[Change]) -> Iterator[Check]:
    asked = (BOOTED, BATTERY, AVAILABLE_MB, TRAINER_VERSION, FREE_STORAGE_MB, POWER_SAVE)
    state = read_state(phone, info, (*asked, clock.CLOCK, unlocked.UNLOCKED))
    serial = info.serial
    if not state.of(BOOTED):
        yield Check(serial, "boot", "warning", "Android is still starting", "Wait a moment.")
    if state.of(unlocked.UNLOCKED) is False:
        what = "nobody has unlocked it since it started: the trainer has no files yet"
        yield Check(serial, "unlocked", "problem", what, f"For each start: {unlocked.ADVICE}.")
    version, battery = state.of(TRAINER_VERSION), state.of(BATTERY)
    if version is None:
        yield Check(
            serial,
            "trainer",
            "warning",
            f"{TRAINER_PACKAGE} is not installed",
            "Make its APK with `harness apk build`; a run installs it.",
        )
    else:
        yield Check(serial, "trainer", "ok", f"version {version}")
    if battery is None:
        yield Check(serial, "battery", "warning", "dumpsys battery says nothing")
    elif battery.updates_stopped and any(isinstance(change, Unplugged) for change in left):
        yield Check(serial, "battery", "info", "an earlier run told Android that it is unplugged")
    elif battery.updates_stopped:
        advice = f"adb -s {quote(info.adb_serial)} shell dumpsys battery reset"
        yield Check(serial, "battery", "warning", "somebody fakes the battery's values", advice)
    else:
        percent = battery.percent
        why = battery.why_absent("percent")
        shown = (why or "level not told") if percent is None else f"{percent:.0f} %"
        yield Check(serial, "battery", "ok", f"{shown}, {battery.status_name or 'unknown'}")
    available_mb, free_mb = state.of(AVAILABLE_MB), state.of(FREE_STORAGE_MB)
    if available_mb is None:
        yield Check(serial, "memory", "problem", "the phone does not tell MemAvailable")
    else:
        yield Check(serial, "memory", "ok", f"{available_mb:.0f} MiB available")
    if free_mb is not None:
        low = free_mb < 512
        advice = "Free some storage on the phone." if low else ""
        shown = f"{free_mb:.0f} MiB free"
        yield Check(serial, "storage", "warning" if low else "ok", shown, advice)
    if state.of(POWER_SAVE):
        advice = "Switch battery saver off: it slows the processor."
        yield Check(serial, "power-save", "warning", "battery saver is on", advice)
    right = clock.GATE.judge(clock.GATE.lab, state)
    if right.open is False:
        yield Check(serial, "clock", "warning", right.detail)


def _background(phone: Phone, info: PhoneInfo) -> Iterator[Check]:
    """Say what Android and its maker do to the trainer in the background."""
    quirks = quirks_of(info)
    asked = questions(quirks, TRAINER_PACKAGE)
    answers: dict[str, str] = {}
    for name, words in asked.items():
        result = phone.shell(words, _CALL_TIMEOUT_S)
        answers[name] = result.stdout + result.stderr
    for quirk in quirks:
        yield judge_quirk(quirk, info, TRAINER_PACKAGE, answers.get(quirk.id))
    if info.sdk >= 28:
        limit = AppOp(package=TRAINER_PACKAGE, op="RUN_ANY_IN_BACKGROUND", mode="allow")
        now = limit.now(phone.shell(limit.ask(), _CALL_TIMEOUT_S).stdout)
        if now is not None and now.mode in ("ignore", "deny"):
            what = "the trainer may not run in the background"
            advice = "A run lifts that meanwhile; for good: Settings > Apps > MobileASR trainer."
            yield Check(info.serial, "background", "info", what, advice)
