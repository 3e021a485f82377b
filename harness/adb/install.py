"""Installing and removing packages, with the package manager's reasons kept apart."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.adb.errors import InstallFailed

if TYPE_CHECKING:
    from harness.adb.phone import Phone

_CODE = re.compile(r"\b((?:INSTALL|DELETE)_(?:FAILED|PARSE_FAILED)[A-Z_]*)")
_STAGING = "/data/local/tmp"

_ADVICE = {
    "INSTALL_FAILED_USER_RESTRICTED": (
        'On MIUI and HyperOS: Developer options > "Install via USB"; then confirm on the screen.'
    ),
    "INSTALL_FAILED_UPDATE_INCOMPATIBLE": (
        "The phone has this package signed with another key; uninstall that one first."
    ),
    "INSTALL_FAILED_VERSION_DOWNGRADE": "The phone has a newer one; uninstall that one first.",
    "INSTALL_FAILED_INSUFFICIENT_STORAGE": "Free some storage on the phone.",
    "INSTALL_FAILED_NO_MATCHING_ABIS": "The APK has no native libraries for this phone's ABI.",
    "INSTALL_FAILED_OLDER_SDK": "The phone's Android is older than the APK's minSdkVersion.",
    "INSTALL_FAILED_VERIFICATION_FAILURE": (
        "Play Protect refused it: Developer options > switch off verifying apps over USB."
    ),
    "INSTALL_FAILED_ABORTED": "Somebody refused it on the phone's screen.",
}


@dataclass(frozen=True)
class Installed:
    """A package on a phone."""

    package: str
    version_name: str
    version_code: int | None


def install(phone: Phone, apk: Path, *, timeout_s: float = 300.0) -> None:
    """Install an APK, replacing an older one of the same key.

    Raises:
        InstallFailed: With the package manager's code and what to do.
        TransferFailed: It could not be pushed.
    """
    remote = f"{_STAGING}/install-{secrets.token_hex(4)}.apk"
    phone.push_file(apk, remote, timeout_s=timeout_s)
    try:
        result = phone.shell(["pm", "install", "-r", "-t", remote], timeout_s)
    finally:
        phone.remove([remote])
    _check(phone, apk.name, result.stdout + result.stderr, result.code)


def uninstall(phone: Phone, package: str, *, timeout_s: float = 60.0) -> None:
    """Remove a package; nothing happens if it is not there.

    Raises:
        InstallFailed: The package manager refused.
    """
    if installed(phone, package) is None:
        return
    result = phone.shell(["pm", "uninstall", package], timeout_s)
    _check(phone, package, result.stdout + result.stderr, result.code)


def installed(phone: Phone, package: str) -> Installed | None:
    """Return a package's version, None if it is not on the phone."""
    # dumpsys answers with code 0 also for a package that is not there, and on some phones without
    # any line of its own
    text = phone.query(["dumpsys", "package", package])
    name = re.search(r"^\s*versionName=(.*)$", text, re.MULTILINE)
    if name is None:
        return None
    code = re.search(r"^\s*versionCode=(\d+)", text, re.MULTILINE)
    return Installed(package, name[1].strip(), int(code[1]) if code else None)


def _check(phone: Phone, what: str, said: str, exit_code: int) -> None:
    if re.search(r"^Success", said, re.MULTILINE) and exit_code == 0:
        return
    found = _CODE.search(said)
    code = found[1] if found else ""
    raise InstallFailed(
        what,
        code=code,
        message=said.strip() or f"pm ended with code {exit_code} and said nothing",
        advice=_ADVICE.get(code, ""),
        serial=phone.serial,
    )
