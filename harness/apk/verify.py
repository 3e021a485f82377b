"""What an APK is: package and versions, permissions, services, ABIs, classes, size, signature."""

from __future__ import annotations

import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from harness.apk.build import ABIS
from harness.apk.dex import class_names
from harness.apk.elf import page_problems
from harness.apk.toolchain import BuildError, Toolchain
from harness.errors import InputError

PACKAGE = "org.mobileasr.trainer"
_SERVICES = ("TrainService", *(f"BallastService{k}" for k in range(1, 9)))
_PERMISSIONS = tuple(
    f"android.permission.{name}"
    for name in (
        "FOREGROUND_SERVICE",
        "FOREGROUND_SERVICE_SPECIAL_USE",
        "POST_NOTIFICATIONS",
        "WAKE_LOCK",
    )
)
_LEAST_TARGET = 33
_SPECIAL_USE = 0x40000000
"""``ServiceInfo.FOREGROUND_SERVICE_TYPE_SPECIAL_USE``: of all types without a limit of hours."""
_TYPE = re.compile(r":foregroundServiceType\([^)]*\)=(0x[0-9a-f]+)")
_NO_APK = (OSError, zipfile.BadZipFile, zlib.error, KeyError, ValueError, BuildError)
_SCHEME = re.compile(r"^Verified using (v[0-9.]+) scheme .*: (true|false)$", re.MULTILINE)


@dataclass(frozen=True)
class ApkReport:
    """What was found, and what is wrong with it."""

    path: str
    bytes: int
    package: str
    version_code: int
    version_name: str
    min_sdk: int
    target_sdk: int
    permissions: tuple[str, ...]
    abis: tuple[str, ...]
    classes: int
    signature_schemes: tuple[str, ...]
    debuggable: bool
    """Its private folder can be read by ``run-as``."""
    problems: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    """``page-size-16k``: what keeps it from phones with pages of 16 KB, and from no others."""


def verify_apk(path: Path, toolchain: Toolchain) -> ApkReport:
    """Look into an APK and check that it is the trainer's, whole and signed.

    Raises:
        InputError: Not an APK, or a tool is missing.
    """
    toolchain.require(("aapt2", "apksigner"))
    try:
        with zipfile.ZipFile(path) as opened:
            names = opened.namelist()
            dex = opened.read("classes.dex")
        classes = class_names(dex)
        badging = toolchain.run("aapt2", "dump", "badging", path)
        tree = toolchain.run("aapt2", "dump", "xmltree", path, "--file", "AndroidManifest.xml")
    except FileNotFoundError as error:
        raise InputError("no such file", where=str(path)) from error
    except _NO_APK as error:
        raise InputError(f"not an APK: {error}", where=str(path)) from error
    abis = sorted({name.split("/")[1] for name in names if re.match(r"lib/[^/]+/.+\.so$", name)})
    schemes, signature = _signature(path, toolchain)
    problems = [*signature, *_manifest_problems(badging, tree)]
    problems += [f"no library for {abi}" for abi in ABIS if abi not in abis]
    problems += [f"no class {PACKAGE}.{s}" for s in _SERVICES if f"{PACKAGE}.{s}" not in classes]
    return ApkReport(
        path=str(path),
        bytes=path.stat().st_size,
        package=_badge(badging, "package: name"),
        version_code=int(_badge(badging, "versionCode") or 0),
        version_name=_badge(badging, "versionName"),
        min_sdk=int(_badge(badging, "sdkVersion:", sign="") or 0),
        target_sdk=int(_badge(badging, "targetSdkVersion:", sign="") or 0),
        permissions=tuple(re.findall(r"^uses-permission: name='([^']*)'", badging, re.MULTILINE)),
        abis=tuple(abis),
        classes=len(classes),
        signature_schemes=tuple(schemes),
        debuggable="application-debuggable" in badging.splitlines(),
        problems=tuple(problems),
        warnings=tuple(f"page-size-16k: {problem}" for problem in page_problems(path)),
    )


def _badge(badging: str, key: str, sign: str = "=") -> str:
    match = re.search(rf"(?:^|\s){re.escape(key)}{sign}'([^']*)'", badging)
    return match[1] if match else ""


def _signature(path: Path, toolchain: Toolchain) -> tuple[list[str], list[str]]:
    try:
        output = toolchain.run("apksigner", "verify", "-v", path)
    except BuildError as error:
        return [], [f"the signature does not hold: {str(error).splitlines()[-1]}"]
    schemes = [scheme for scheme, verified in _SCHEME.findall(output) if verified == "true"]
    missing = [scheme for scheme in ("v2", "v3") if scheme not in schemes]
    return schemes, [f"no signature of scheme {scheme}" for scheme in missing]


def _manifest_problems(badging: str, tree: str) -> list[str]:
    problems = []
    if _badge(badging, "package: name") != PACKAGE:
        problems.append(f"the package is not {PACKAGE}")
    target = int(_badge(badging, "targetSdkVersion:", sign="") or 0)
    if target < _LEAST_TARGET:
        problems.append(f"the target is API {target}, below {_LEAST_TARGET}")
    asked = set(re.findall(r"^uses-permission: name='([^']*)'", badging, re.MULTILINE))
    problems += [f"it does not ask for {name}" for name in _PERMISSIONS if name not in asked]
    services = re.split(r"^\s*E: service ", tree, flags=re.MULTILINE)[1:]
    values = {}
    for service in services:
        name = re.search(r':name\([^)]*\)="([^"]*)"', service)
        values[name[1].removeprefix(PACKAGE).lstrip(".") if name else ""] = service
    for wanted in _SERVICES:
        if wanted not in values:
            problems.append(f"no service {wanted} in the manifest")
        elif "android.permission.DUMP" not in values[wanted]:
            problems.append(f"{wanted} is open to every app")
    declared = _TYPE.search(values.get("TrainService", ""))
    if declared is None or int(declared[1], 16) != _SPECIAL_USE:
        problems.append("TrainService is no foreground service of type specialUse")
    return problems
