"""The trainer's APK on a phone: installed when it must be, its way of giving files found, removed.

An app of Android 8 to 16 may read what adb's shell puts into the work folder, but write only its
own folders. Which of them the shell can read back differs by version, maker and build, so it is
tried once a phone: the app writes a token wherever it may, and the host looks where it arrived.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.adb.errors import AdbError
from harness.adb.install import Installed, install, installed, uninstall
from harness.adb.phone import Phone
from harness.adb.run_as import RunAsPhone
from harness.adb.shell import quote
from harness.devices.gates import TRAINER_PACKAGE
from harness.devices.gates.judged.unlocked import ADVICE as UNLOCK_ADVICE
from harness.errors import HarnessError, InputError
from harness.paths import cache_root

Way = Literal["shared", "run-as", "external"]
"""``shared``: it writes the work folder itself. ``run-as``: its private folder, read as the app.
``external``: its folder on the shared storage, read as the shell."""

PROBLEM = "trainer_problem"
"""Among what a phone's capabilities say: why there is no trainer that could be used."""
MARK = "trainer-installed"
"""In the work folder: the harness brought the trainer, so the harness may take it away."""
_PROBE = "storage-probe"
_LOCKED = re.compile(
    r"couldn't stat /data/user|couldn't stat /data/data|Required key not available"
)
"""What ``run-as`` says before the first unlock (source: AOSP system/core/run-as)."""
_NOTIFY = "android.permission.POST_NOTIFICATIONS"
_NOTIFY_SDK = 33
_APPEARS_S = 20.0
_LOOK_S = 0.25


class TrainerUnusable(HarnessError):  # noqa: N818 - a state of the phone
    """The phone has no trainer that could be used, and says what to do."""


@dataclass(frozen=True)
class TrainerApp:
    """The trainer on a phone.

    Attributes:
        version_name: As the phone names it.
        version_code: Likewise; None if it does not say.
        sha256: Of its APK on the phone; empty if the phone does not let it be read.
        way: How its files come back.
        folder: Below it the trainer writes, as it names it itself; empty: the work folder.
        done: What was done to it just now, in words.
    """

    version_name: str
    version_code: int | None
    sha256: str
    way: Way
    folder: str
    done: str = ""

    def said(self) -> dict[str, str]:
        """Return it as values of a phone's capabilities."""
        code = "" if self.version_code is None else f" ({self.version_code})"
        values = {
            "trainer": f"{self.version_name}{code}",
            "trainer_apk": self.sha256,
            "files_by": self.way,
            "files_in": self.folder,
            "trainer_done": self.done,
        }
        return {name: value for name, value in values.items() if value}


def default_apk() -> Path:
    """Return where ``harness apk build`` puts the APK and runs look for it."""
    return cache_root() / "apk" / "mobileasr-trainer.apk"


def checked_apk(path: Path | None) -> Path | None:
    """Return a given APK.

    Raises:
        InputError: There is no such file.
    """
    if path is not None and not path.is_file():
        raise InputError(
            "no such APK", where=str(path), hint="Make one: harness apk build --out FILE"
        )
    return path


def ensure_trainer(
    phone: Phone,
    work_dir: str,
    sdk: int,
    apk: Path | None,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> TrainerApp:
    """Install the trainer if it is absent or another one, and find how its files come back.

    Args:
        phone: The phone.
        work_dir: The harness's folder on it.
        sdk: API level of the phone.
        apk: The trainer to use; None: whatever is installed.
        sleep: How to wait.

    Raises:
        TrainerUnusable: There is none and none to install, it was refused, or no file of it can
            be read back.
        DeviceLost: The phone is gone.
    """
    there = installed(phone, TRAINER_PACKAGE)
    if there is None and apk is None:
        raise TrainerUnusable(
            f"{TRAINER_PACKAGE} is not installed on {phone.serial}, and there is no APK to install."
            f" Make it once with `harness apk build` (it is then found at {default_apk()}), or "
            "give one with --apk FILE."
        )
    sha256, done = _installed_sha256(phone) if there else "", ""
    if apk is not None and (there is None or sha256 != _sha256(apk)):
        there, sha256 = _install(phone, work_dir, apk, there)
        done = "installed"
    assert there is not None
    if sdk >= _NOTIFY_SDK:
        # without it training runs all the same, only unseen: a refusal is no failure
        phone.shell(["pm", "grant", TRAINER_PACKAGE, _NOTIFY])
    way, folder = _find_way(phone, work_dir, sleep)
    return TrainerApp(there.version_name, there.version_code, sha256, way, folder, done)


def remove_trainer(phone: Phone, work_dir: str) -> bool:
    """Remove the trainer if it was the harness that brought it; return whether it was.

    Raises:
        InstallFailed: The package manager refused.
    """
    mark = f"{work_dir}/{MARK}"
    if phone.stat(mark) is None:
        return False
    uninstall(phone, TRAINER_PACKAGE)
    phone.remove([mark])
    return True


def files_phone(phone: Phone, said: dict[str, str], path: str) -> Phone:
    """Return the face of a phone by which a path can be read: the app's own for its files."""
    folder = said.get("files_in", "")
    if said.get("files_by") == "run-as" and folder and path.startswith(f"{folder}/"):
        return RunAsPhone(phone, TRAINER_PACKAGE)
    return phone


def clean_app_files(phone: Phone) -> None:
    """Remove what attempts left in the app's own folders, where that can be reached."""
    RunAsPhone(phone, TRAINER_PACKAGE).shell("rm -rf files/attempts")
    phone.shell(["rm", "-rf", f"{_external(phone)}/attempts"])


def _install(
    phone: Phone, work_dir: str, apk: Path, before: Installed | None
) -> tuple[Installed, str]:
    """Install, and look that it is there; return it and its hash."""
    try:
        if before is None:
            phone.make_folder(work_dir)
            # written first: a host that dies now has at worst a trainer too many to remove
            phone.write_text(f"{work_dir}/{MARK}", "")
        install(phone, apk)
        there = installed(phone, TRAINER_PACKAGE)
    except AdbError as error:
        if not phone.is_online():
            raise
        phone.remove([f"{work_dir}/{MARK}"] if before is None else [])
        raise TrainerUnusable(f"the trainer could not be installed: {error}") from error
    sha256 = _installed_sha256(phone)
    if there is None:
        phone.remove([f"{work_dir}/{MARK}"])
    if there is None or (sha256 and sha256 != _sha256(apk)):
        raise TrainerUnusable(
            f"{apk} was installed on {phone.serial}, but is not {TRAINER_PACKAGE} "
            "(see: harness apk verify)"
        )
    return there, sha256


def _installed_sha256(phone: Phone) -> str:
    """Return the hash of the installed APK; empty where the shell may not read it."""
    path = phone.shell(["pm", "path", TRAINER_PACKAGE]).stdout.strip().removeprefix("package:")
    if not path or "\n" in path:
        return ""
    # a virtual phone's own trainer has no APK: its file is empty
    words = phone.shell(f"[ -s {quote(path)} ] && sha256sum {quote(path)}").stdout.split()
    return words[0] if words and len(words[0]) == 64 else ""


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _find_way(phone: Phone, work_dir: str, sleep: Callable[[float], None]) -> tuple[Way, str]:
    """Let the app write a token wherever it may, and look where it can be read.

    Raises:
        TrainerUnusable: Nowhere.
    """
    probe, token = f"{work_dir}/{_PROBE}", secrets.token_hex(16)
    app = RunAsPhone(phone, TRAINER_PACKAGE)
    phone.make_folder(work_dir)
    phone.write_text(probe, token)
    start = ["am", "start-foreground-service", "-n", f"{TRAINER_PACKAGE}/.TrainService"]
    external = _external(phone)
    answer = phone.shell([*start, "--es", "command", "storage", "--es", "job", probe])
    # an app that is not ready for direct boot does not exist before the phone is unlocked
    refused = "no service started" in f"{answer.stdout}{answer.stderr}"
    try:
        waited = 0.0
        while True:
            if _holds(phone, f"{probe}.shared", token):
                return "shared", ""
            private = app.shell(f"cat files/{_PROBE} && echo && pwd")
            if refused and _LOCKED.search(private.stdout + private.stderr):
                raise TrainerUnusable(
                    f"{phone.serial} is locked since it started, and keeps the trainer's files "
                    f"encrypted: {UNLOCK_ADVICE}"
                )
            home = private.stdout.split("\n")
            if home[0] == token and home[1].startswith("/"):
                return "run-as", f"{home[1].rstrip('/')}/files"
            if _holds(phone, f"{external}/{_PROBE}", token):
                return "external", external
            if waited >= _APPEARS_S:
                break
            sleep(_LOOK_S)
            waited += _LOOK_S
    finally:
        with contextlib.suppress(AdbError):
            phone.shell(["rm", "-f", probe, f"{probe}.shared", f"{external}/{_PROBE}"])
            app.shell(["rm", "-f", f"files/{_PROBE}"])
    words = " ".join(f"{answer.stdout} {answer.stderr}".split())
    raise TrainerUnusable(
        f"no file of the trainer on {phone.serial} can be read back: it was asked to write into "
        f"{work_dir}, its private folder (read by run-as) and {external}, and its token came to "
        f"none of them. The phone answered: {words!r}. Look into its log: adb logcat -s MobileASR"
    )


def _external(phone: Phone) -> str:
    """Return the app's folder on the shared storage, as shell and app may name it."""
    storage = phone.query('echo "$EXTERNAL_STORAGE"').strip()
    return f"{storage or '/sdcard'}/Android/data/{TRAINER_PACKAGE}/files"


def _holds(phone: Phone, path: str, token: str) -> bool:
    # `cat` and not adb's file service: on some phones that one may not enter Android/data
    return phone.shell(["cat", path]).stdout == token
