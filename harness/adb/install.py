"""Installing and removing packages, with the package manager's reasons kept apart."""

from __future__ import annotations

import contextlib
import itertools
import logging
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.adb.errors import InstallFailed
from harness.adb.phone import Phone, local_chunks

_LOG = logging.getLogger(__name__)
_CODE = re.compile(
    r"\b((?:INSTALL|DELETE)_(?:FAILED|PARSE_FAILED)[A-Z_]*|INSTALL_CANCELED_BY_USER)"
)
_NO_SPACE = re.compile(
    r"not enough space|No space left on device|ENOSPC|EDQUOT|Failed to allocate \d+ because only",
    re.IGNORECASE,
)
_SILENT_S = 15.0
"""A package manager that says nothing for so long is asking somebody on the screen."""
_DIALOG = (
    "look at its screen: it may ask whether the app may be installed (Play Protect, the maker)"
)

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
    "INSTALL_FAILED_TEST_ONLY": "The APK is marked as for tests only: build it without testOnly.",
    "INSTALL_FAILED_INVALID_APK": "The APK is damaged: build it again.",
    "INSTALL_FAILED_DEPRECATED_SDK_VERSION": (
        "The APK's target is too old for this Android: build it anew with `harness apk build`."
    ),
    "INSTALL_FAILED_ABORTED": "Somebody refused it on the phone's screen.",
    "INSTALL_CANCELED_BY_USER": (
        "It was refused on the phone's screen, or nobody answered there in time: try again and "
        'confirm it; on MIUI and HyperOS: Developer options > "Install via USB".'
    ),
}


@dataclass(frozen=True)
class Installed:
    """A package on a phone."""

    package: str
    version_name: str
    version_code: int | None


def install(phone: Phone, apk: Path, *, timeout_s: float = 300.0) -> None:
    """Install an APK, replacing an older one of the same key.

    It is streamed to the package manager (Android 7 and later), so nothing is left on the phone.

    Raises:
        InstallFailed: With the package manager's code and what to do.
        DeviceLost: The phone is gone; whether it was installed is not known.
    """
    try:
        size = apk.stat().st_size
        chunks = local_chunks(apk)
        first = next(chunks, b"")
    except OSError as error:
        raise InstallFailed(
            apk.name, code="", message=f"{apk}: {error.strerror}", serial=phone.serial
        ) from error
    service = f"exec:cmd package install -r -t -S {size}"
    answer = bytearray()
    with phone.server.client.service(
        phone.adb_serial, service, timeout_s=timeout_s, serial=phone.serial
    ) as connection:
        # a package manager that refuses early closes its end; its reason is still to be read
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for chunk in itertools.chain([first], chunks):
                connection.send_all(chunk)
        with _told_when_silent(phone):
            while data := connection.read_some():
                answer += data
    _check(phone, apk.name, answer.decode("utf-8", "replace"))


@contextlib.contextmanager
def _told_when_silent(phone: Phone) -> Iterator[None]:
    """Say that a dialog may wait on the phone, long before the limit of the command."""
    words = "%s: the package manager has said nothing for %g s; %s"
    timer = threading.Timer(_SILENT_S, _LOG.warning, (words, phone.serial, _SILENT_S, _DIALOG))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def uninstall(phone: Phone, package: str, *, timeout_s: float = 60.0) -> None:
    """Remove a package; nothing happens if it is not there.

    Raises:
        InstallFailed: The package manager refused.
    """
    if installed(phone, package) is None:
        return
    result = phone.shell(["pm", "uninstall", package], timeout_s)
    _check(phone, package, result.stdout + result.stderr)


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


def _check(phone: Phone, what: str, answer: str) -> None:
    # some phones end with 0 whatever happened: the word counts
    if re.search(r"^Success", answer, re.MULTILINE):
        return
    code_match = _CODE.search(answer)
    code = code_match[1] if code_match else ""
    if not code and _NO_SPACE.search(answer):
        code = "INSTALL_FAILED_INSUFFICIENT_STORAGE"
    raise InstallFailed(
        what,
        code=code,
        message=answer.strip() or "the package manager said nothing",
        advice=_ADVICE.get(code, ""),
        serial=phone.serial,
    )
