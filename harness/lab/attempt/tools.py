"""The real parts behind ``harness.lab.ports``: adb, sampling, pressure, gates."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.adb.phone import Phone
from harness.adb.shell import ShellResult
from harness.adb.transfer import LocalFile, ensure_files, return_borrowed
from harness.devices.capabilities import parse_probe, probe_command
from harness.devices.changes import Change
from harness.devices.gate_wait import pass_gates
from harness.devices.gates import Gates
from harness.devices.preparing import Wishes, notes_of, wanted_after_gates, wanted_before_gates
from harness.devices.settings_guard import SettingsGuard
from harness.devices.trainer_app import (
    PROBLEM,
    TrainerUnusable,
    clean_app_files,
    default_apk,
    ensure_trainer,
    files_phone,
    remove_trainer,
)
from harness.devices.vendors import refusal_advice
from harness.lab.attempt.event_feed import Feed
from harness.lab.attempt.trainer_control import PACKAGE
from harness.lab.ports import LabPhone
from harness.pressure import Goal, Pressure, PressureSettings
from harness.results.model import CapabilitiesRecord, GateRecord, TransferRecord
from harness.results.names import safe_name
from harness.sampling import Sampler, SamplerSettings
from harness.sampling.probe import Capabilities
from harness.sampling.probe import parse_probe as parse_sampling
from harness.sampling.probe import probe_command as probe_sampling

RELEASE_LIMIT_S = 20.0
SAMPLER_LEASE_S = 12 * 3600.0
"""The loop outlives its host by so much: who died in the evening is resumed in the morning."""
PROBE_LIMIT_S = 60.0
PRESSURE_PERIOD_S = 0.5


class RealTools:
    """`harness.lab.ports.Tools` over adb; a `LabPhone.handle` is a `Phone`.

    Args:
        clock: Monotonic clock, in seconds.
        release_limit_s: How long sampling and pressure try to end on a phone that is lost; it is
            cleaned when it is back in any case.
        apk: The trainer that every phone shall have; None: real phones get the one that
            ``harness apk build`` made, if there is one, and virtual phones keep theirs.
        remove_trainer: Cleaning a phone also uninstalls a trainer that a run installed.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        release_limit_s: float = RELEASE_LIMIT_S,
        apk: Path | None = None,
        remove_trainer: bool = False,
    ) -> None:
        self._apk = apk
        self._remove_trainer = remove_trainer
        self._clock = clock
        self._release_limit_s = release_limit_s
        self._reads: dict[str, Capabilities] = {}

    def shell(self, phone: LabPhone, command: Sequence[str], timeout_s: float) -> ShellResult:
        """See `harness.lab.ports.Tools`."""
        return _handle(phone).shell(command, timeout_s)

    def away_s(self, phone: LabPhone) -> float | None:
        """See `harness.lab.ports.Tools`."""
        return _handle(phone).away_s

    def gate(
        self,
        phone: LabPhone,
        gates: Gates,
        wishes: Wishes,
        limit_s: float,
        stop: threading.Event,
        on_shut: Callable[[str, float], None],
    ) -> tuple[tuple[GateRecord, ...], Sequence[str]]:
        """See `harness.lab.ports.Tools`."""
        handle = _handle(phone)
        guard = SettingsGuard(handle, phone.work_dir)
        # what an attempt left that could not put it back: its unplugged battery is not ours
        notes = list(guard.restore())

        def make(wanted: Sequence[tuple[str, Change]]) -> None:
            changed = guard.change([change for _, change in wanted])
            notes.extend(notes_of(wishes, wanted, changed, refusal_advice(phone.info)))

        make(wanted_before_gates(wishes, PACKAGE, phone.info.sdk))
        if wishes.stay_awake:
            handle.shell(["input", "keyevent", "KEYCODE_WAKEUP"])
        records = pass_gates(
            handle,
            phone.info,
            gates,
            limit_s=limit_s,
            clock=self._clock,
            sleep=lambda seconds: _rest(stop, seconds),
            stop=stop,
            waiting=on_shut,
        )
        make(wanted_after_gates(wishes))
        return records, notes

    def ungate(self, phone: LabPhone) -> Sequence[str]:
        """See `harness.lab.ports.Tools`."""
        return SettingsGuard(_handle(phone), phone.work_dir).restore()

    def push(
        self,
        phone: LabPhone,
        files: Sequence[LocalFile],
        limit_s: float,
        stop: threading.Event,
        on_wait: Callable[[bool], None],
        *,
        lost_s: float,
        keep: bool,
    ) -> TransferRecord:
        """See `harness.lab.ports.Tools`."""
        return ensure_files(
            _handle(phone),
            phone.work_dir,
            files,
            keep=keep,
            timeout_s=limit_s,
            lost_timeout_s=lost_s,
            stop=stop,
            on_wait=on_wait,
        )

    def write(self, phone: LabPhone, path: str, data: bytes) -> None:
        """See `harness.lab.ports.Tools`."""
        handle = _handle(phone)
        handle.make_folder(path.rsplit("/", 1)[0])
        handle.write_bytes(path, data)

    def remove(self, phone: LabPhone, paths: Sequence[str]) -> None:
        """See `harness.lab.ports.Tools`."""
        handle = _handle(phone)
        for path in paths:
            if not path.startswith((f"{phone.work_dir}/", f"{phone.trainer_dir}/")):
                raise ValueError(f"refusing to remove {path!r}: not below {phone.work_dir}")
        app = [path for path in paths if _file_face(phone, path) is not handle]
        handle.remove([path for path in paths if path not in app])
        if app:
            _file_face(phone, app[0]).remove(app)

    def pull(self, phone: LabPhone, path: str, local: Path, limit_s: float) -> None:
        """See `harness.lab.ports.Tools`."""
        _file_face(phone, path).pull_file(path, local, timeout_s=limit_s)

    def tail(self, phone: LabPhone, path: str, lines: int, limit_s: float) -> str:
        """See `harness.lab.ports.Tools`."""
        return _file_face(phone, path).shell(["tail", "-n", str(lines), path], limit_s).stdout

    def follow(self, phone: LabPhone, path: str, offset: int, lost_s: float) -> Feed:
        """See `harness.lab.ports.Tools`."""
        return Feed(_file_face(phone, path), path, offset, lost_s, self._clock)

    def sampler(self, phone: LabPhone, folder: str, local: Path, period_s: float) -> Sampler:
        """See `harness.lab.ports.Tools`."""
        return Sampler(
            _handle(phone),
            folder,
            local,
            SamplerSettings(
                package=PACKAGE,
                proc_dir=phone.info.proc_dir,
                period_s=period_s,
                stop_limit_s=self._release_limit_s,
                lease_s=SAMPLER_LEASE_S,
            ),
            capabilities=self._reads.get(phone.serial),
        )

    def pressure(
        self,
        phone: LabPhone,
        goal: Goal,
        means: Sequence[str],
        apps: Sequence[str],
        limit_s: float,
        journal: Path,
    ) -> Pressure:
        """See `harness.lab.ports.Tools`."""
        settings = PressureSettings(
            package=PACKAGE,
            proc_dir=phone.info.proc_dir,
            means=tuple(means),
            apps=tuple(apps),
            period_s=PRESSURE_PERIOD_S,
            settle_limit_s=limit_s,
            release_limit_s=self._release_limit_s,
        )
        return Pressure(_handle(phone), goal, settings, journal=journal)

    def probe(self, phone: LabPhone) -> CapabilitiesRecord:
        """See `harness.lab.ports.Tools`."""
        capabilities = phone.info.capabilities or self._capabilities(phone)
        if "files_by" in capabilities.said:
            return capabilities
        before = {name: value for name, value in capabilities.said.items() if name != PROBLEM}
        return capabilities.model_copy(update={"said": {**before, **self._trainer(phone)}})

    def _trainer(self, phone: LabPhone) -> dict[str, str]:
        """Install the trainer where needed; what is wrong with it fails the attempts, not this."""
        info = phone.info
        made = default_apk()
        apk = self._apk or (made if info.origin == "device" and made.is_file() else None)
        try:
            return ensure_trainer(_handle(phone), info.work_dir, info.sdk, apk).said()
        except TrainerUnusable as error:
            return {PROBLEM: str(error)}

    def _capabilities(self, phone: LabPhone) -> CapabilitiesRecord:
        info = phone.info
        asked = probe_command(info.work_dir, info.proc_dir) + probe_sampling(info.proc_dir)
        text = _handle(phone).query(asked, PROBE_LIMIT_S)
        reads = self._reads[phone.serial] = parse_sampling(text)
        capabilities = parse_probe(text)
        by = {"battery_by": reads.command("battery"), "pss_by": reads.command("pss")}
        return capabilities.model_copy(update={"said": {**capabilities.said, **by}})

    def clean(self, phone: LabPhone, *, speech: bool) -> Sequence[str]:
        """See `harness.lab.ports.Tools`."""
        handle = _handle(phone)
        notes = list(SettingsGuard(handle, phone.work_dir).restore())
        handle.retried(lambda: handle.run(["am", "force-stop", PACKAGE]))
        handle.remove([f"{phone.work_dir}/attempts"])
        if phone.said.get("files_by") != "shared":
            clean_app_files(handle)
        if self._remove_trainer and remove_trainer(handle, phone.work_dir):
            notes.append("removed the trainer that a run installed")
        if speech:
            return_borrowed(handle, phone.work_dir)
            folder = f"{phone.work_dir}/cas"
            names = [file.name for file in handle.entries(folder) if file.name.endswith(".wav")]
            handle.remove([f"{folder}/{name}" for name in names if name == safe_name(name)])
        return notes


def _rest(stop: threading.Event, seconds: float) -> None:
    stop.wait(seconds)


def _file_face(phone: LabPhone, path: str) -> Phone:
    """Return how a file of the phone is reached: as the shell, or as the trainer's app."""
    return files_phone(_handle(phone), phone.said, path)


def _handle(phone: LabPhone) -> Phone:
    handle = phone.handle
    if not isinstance(handle, Phone):
        raise TypeError(f"{phone.serial}: not a phone behind adb: {type(handle).__name__}")
    return handle
