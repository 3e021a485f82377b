"""Installed packages of a virtual phone, and the rules by which an APK is taken or refused."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from harness.virtual.system.apk import ApkError, ApkInfo, read_apk
from harness.virtual.system.tasks import short_component

FIRST_APP_UID = 10000
LAUNCHER = "com.android.launcher3"
"""What HOME starts."""
KEYBOARD = "com.android.inputmethod.latin/.LatinIME"
"""The one input method."""

TRAINER = "org.mobileasr.trainer"
TRAINER_UID = 10234
PRIVATE = "data/user/0"
"""Below the phone's root: a folder a package that only it may enter."""
EXTERNAL = "storage/emulated/0/Android/data"
"""Likewise: a folder a package that adb's shell may read."""


class InstallError(Exception):
    """An APK was refused.

    Args:
        code: Android's word for it, such as ``INSTALL_PARSE_FAILED_NOT_APK``.
        detail: More for a person.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        self.code = code
        super().__init__(f"[{code}: {detail}]" if detail else f"[{code}]")


@dataclass(frozen=True)
class Package:
    """One installed package.

    Args:
        name: Its name.
        uid: Its user id.
        path: Phone path of its APK.
        version_code: Version as a number.
        version_name: Version as people see it.
        min_sdk: Least API level.
        target_sdk: API level it's made for.
        system: It came with the phone.
        installed: When, in seconds since 1970.
        updated: When last replaced.
        permissions: Asked for.
        granted: Granted at run time.
        app_mb: RAM that its main process takes when launched (modelled).
        splits: Phone paths of its further APKs.
        debuggable: ``run-as`` works for it.
        confined: It may write its own folders only, as every app that was installed.
        activities: Whole class names of its activities.
        launcher: Which of them is started by its icon; empty: it has none.
        enabled: It may be started.
    """

    name: str
    uid: int
    path: str
    version_code: int = 1
    version_name: str = "1.0"
    min_sdk: int = 21
    target_sdk: int = 33
    system: bool = False
    installed: float = 0.0
    updated: float = 0.0
    permissions: tuple[str, ...] = ()
    granted: frozenset[str] = field(default_factory=frozenset)
    app_mb: int = 120
    splits: tuple[str, ...] = ()
    debuggable: bool = False
    confined: bool = True
    activities: tuple[str, ...] = ()
    launcher: str = ""
    enabled: bool = True

    @property
    def main(self) -> str:
        """Its main activity as ``org.example/.Main``; empty: it has none."""
        return short_component(f"{self.name}/{self.launcher}") if self.launcher else ""


_TRAINER_PERMISSIONS = tuple(
    f"android.permission.{name}"
    for name in ("FOREGROUND_SERVICE", "FOREGROUND_SERVICE_SPECIAL_USE", "POST_NOTIFICATIONS",
                 "WAKE_LOCK")
)  # fmt: skip
_YEAR_2009 = 1230768000.0
"""What phones print as the time of packages of the system image."""


def _system(name: str, uid: int, path: str, *, activity: str = "", app_mb: int = 0) -> Package:
    """Return a package of the system image; ``activity`` is started by its icon."""
    full = f"{name}{activity}" if activity else ""
    return Package(
        name,
        uid,
        f"/system/{path}",
        version_code=33,
        version_name="13",
        target_sdk=33,
        system=True,
        installed=_YEAR_2009,
        updated=_YEAR_2009,
        app_mb=app_mb,
        activities=(full,) if full else (),
        launcher=full,
    )


def _shipped(now: float, trainer_version: str) -> list[Package]:
    return [
        _system("android", 1000, "framework/framework-res.apk"),
        # what a launcher holds is in the profile's idle figure
        _system(LAUNCHER, 10010, "priv-app/Launcher3/Launcher3.apk", activity=".Launcher"),
        _system("com.android.settings", 1000, "priv-app/Settings/Settings.apk",
                activity=".Settings", app_mb=90),
        _system("com.android.browser", 10045, "app/Browser/Browser.apk",
                activity=".BrowserActivity", app_mb=260),
        _system("com.android.inputmethod.latin", 10046, "app/LatinIME/LatinIME.apk"),
        _system("com.android.phone", 1001, "priv-app/TeleService/TeleService.apk"),
        _system("com.android.providers.settings", 1000,
                "priv-app/SettingsProvider/SettingsProvider.apk"),
        _system("com.android.shell", 2000, "priv-app/Shell/Shell.apk"),
        _system("com.android.systemui", 10011, "priv-app/SystemUI/SystemUI.apk"),
        Package(TRAINER, TRAINER_UID, f"/data/app/{TRAINER}-1/base.apk",
                version_name=trainer_version, installed=now, updated=now, confined=False,
                permissions=_TRAINER_PERMISSIONS),
    ]  # fmt: skip


class PackageRegistry:
    """What is installed; kept in a file so that it outlives a restart of the phone.

    Args:
        root: Host folder of the phone.
        sdk: API level of the phone.
        trainer_version: Version of the trainer that the phone comes with.
        abis: ABIs of programs that run on the phone.
        free_bytes: Gives the storage left, None if that's as much as the host has.
    """

    def __init__(
        self,
        root: Path,
        sdk: int,
        trainer_version: str,
        abis: tuple[str, ...],
        free_bytes: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._root = root
        self._sdk = sdk
        self._abis = abis
        self._free_bytes = free_bytes
        self._file = root / "data/system/packages.json"
        self._packages: dict[str, Package] = {}
        self._load(trainer_version)

    def __iter__(self) -> Iterator[Package]:
        return iter(sorted(self._packages.values(), key=lambda p: p.name))

    def get(self, name: str) -> Package | None:
        """Return a package, None if it isn't installed."""
        return self._packages.get(name)

    def install(
        self,
        apks: Sequence[Path],
        *,
        replace_existing: bool,
        downgrade: bool,
        test_only: bool = True,
    ) -> Package:
        """Install a package.

        Signatures aren't checked: a package is replaced by any of its name.

        Args:
            apks: Its base and its splits, in any order.
            replace_existing: Replace an installed package.
            downgrade: Also by an older version.
            test_only: Take packages made for tests.

        Raises:
            InstallError: It's refused.
        """
        files = self._read(apks)
        info = files[0][0]
        old = self._packages.get(info.package)
        abis = {abi for part, _ in files for abi in part.abis}
        self._check(info, old, replace_existing, downgrade)
        self._check_phone(info, abis, test_only, sum(path.stat().st_size for _, path in files))
        now = time.time()
        folder = f"data/app/{info.package}-1"
        shutil.rmtree(self._root / folder, ignore_errors=True)
        (self._root / folder).mkdir(parents=True)
        names = ["base.apk", *(f"split_{part.split}.apk" for part, _ in files[1:])]
        for name, (_, path) in zip(names, files, strict=True):
            shutil.copyfile(path, self._root / folder / name)
        package = Package(
            name=info.package,
            uid=old.uid if old else self._free_uid(),
            path=f"/{folder}/base.apk",
            version_code=info.version_code,
            version_name=info.version_name,
            min_sdk=info.min_sdk,
            target_sdk=info.target_sdk,
            installed=old.installed if old else now,
            updated=now,
            permissions=info.permissions,
            granted=old.granted if old else frozenset(),
            splits=tuple(f"/{folder}/{name}" for name in names[1:]),
            debuggable=info.debuggable,
            activities=info.activities,
            launcher=info.launcher,
        )
        self._packages[package.name] = package
        self._save()
        return package

    @staticmethod
    def _read(apks: Sequence[Path]) -> list[tuple[ApkInfo, Path]]:
        """Read all files of a package, its base first."""
        try:
            files = [(read_apk(apk), apk) for apk in apks]
        except ApkError as error:
            raise InstallError(error.code, f"Failed to parse: {error}") from error
        files.sort(key=lambda file: file[0].split != "")
        base = files[0][0]
        if base.split:
            raise InstallError("INSTALL_FAILED_INVALID_APK", "Full install must include a base")
        for part, _ in files[1:]:
            if not part.split:
                raise InstallError(
                    "INSTALL_FAILED_INVALID_APK", "Split null was defined multiple times"
                )
            if (part.package, part.version_code) != (base.package, base.version_code):
                raise InstallError(
                    "INSTALL_FAILED_INVALID_APK",
                    f"{part.split} specified package {part.package} version {part.version_code} "
                    f"inconsistent with {base.package} version {base.version_code}",
                )
        return files

    def _check_phone(self, info: ApkInfo, abis: set[str], test_only: bool, size: int) -> None:
        """Check what the phone itself sets bounds to."""
        if info.test_only and not test_only:
            raise InstallError(
                "INSTALL_FAILED_TEST_ONLY",
                "Failed to install test-only apk. Did you forget to add -t?",
            )
        if abis and abis.isdisjoint(self._abis):
            raise InstallError(
                "INSTALL_FAILED_NO_MATCHING_ABIS", "Failed to extract native libraries, res=-113"
            )
        free = self._free_bytes()
        if free is not None and size > free:
            raise InstallError("INSTALL_FAILED_INSUFFICIENT_STORAGE", "Failed to allocate")

    def _check(self, info: ApkInfo, old: Package | None, replacing: bool, downgrade: bool) -> None:
        if info.min_sdk > self._sdk:
            raise InstallError(
                "INSTALL_FAILED_OLDER_SDK",
                f"Requires newer sdk version #{info.min_sdk} (current version is #{self._sdk})",
            )
        if old is None:
            return
        if not replacing:
            raise InstallError(
                "INSTALL_FAILED_ALREADY_EXISTS",
                f"Attempt to re-install {info.package} without first uninstalling.",
            )
        if info.version_code < old.version_code and not downgrade:
            raise InstallError(
                "INSTALL_FAILED_VERSION_DOWNGRADE",
                f"Downgrade detected: Update version code {info.version_code} is older than "
                f"current {old.version_code}",
            )

    def uninstall(self, name: str) -> bool:
        """Remove a package that isn't part of the system, and its data; tell if there was one."""
        package = self._packages.get(name)
        if package is None or package.system:
            return False
        del self._packages[name]
        shutil.rmtree((self._root / package.path.lstrip("/")).parent, ignore_errors=True)
        self.clear(name)
        self._save()
        return True

    def clear(self, name: str) -> None:
        """Remove what a package has written into its own folders."""
        for folder in (PRIVATE, EXTERNAL):
            shutil.rmtree(self._root / folder / name, ignore_errors=True)

    def folder(self, name: str, kind: str = PRIVATE) -> Path:
        """Return a package's own folder (``PRIVATE`` or ``EXTERNAL``) on the host, made."""
        folder = self._root / kind / name
        (folder / "files").mkdir(parents=True, exist_ok=True)
        return folder

    def grant(self, name: str, permission: str, *, granted: bool) -> None:
        """Grant or take a run-time permission.

        Raises:
            KeyError: No such package.
        """
        package = self._packages[name]
        now = package.granted | {permission} if granted else package.granted - {permission}
        self._packages[name] = replace(package, granted=now)
        self._save()

    def enable(self, name: str, *, enabled: bool) -> None:
        """Let a package be started, or not.

        Raises:
            KeyError: No such package.
        """
        self._packages[name] = replace(self._packages[name], enabled=enabled)
        self._save()

    def _free_uid(self) -> int:
        taken = {p.uid for p in self._packages.values()}
        return next(
            uid for uid in range(FIRST_APP_UID + 300, FIRST_APP_UID + 9999) if uid not in taken
        )

    def _load(self, trainer_version: str) -> None:
        try:
            stored = json.loads(self._file.read_text("utf-8"))
        except (OSError, ValueError):
            stored = None
        if stored is None:
            packages = _shipped(time.time(), trainer_version)
        else:
            packages = [
                Package(
                    **{
                        **p,
                        "permissions": tuple(p["permissions"]),
                        "granted": frozenset(p["granted"]),
                        "splits": tuple(p["splits"]),
                        "activities": tuple(p.get("activities", ())),
                    }
                )
                for p in stored
            ]
        self._packages = {p.name: p for p in packages}
        for package in packages:
            apk = self._root / package.path.lstrip("/")
            apk.parent.mkdir(parents=True, exist_ok=True)
            apk.touch()

    def _save(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        rows = [{**asdict(p), "granted": sorted(p.granted)} for p in self]
        self._file.write_text(json.dumps(rows), encoding="utf-8")
