"""What a package manager's refusal, or its silence, is told as."""

import logging
import time
from types import SimpleNamespace
from typing import Any

import pytest

from harness.adb import install
from harness.adb.errors import InstallFailed
from harness.adb.logcat import log_problem
from harness.adb.shell import ShellResult

PHONE: Any = SimpleNamespace(serial="S1")


@pytest.mark.parametrize(
    ("answer", "code", "advice"),
    [
        ("Failure [INSTALL_CANCELED_BY_USER]", "INSTALL_CANCELED_BY_USER", "confirm it"),
        (
            "Failure [INSTALL_FAILED_INSUFFICIENT_STORAGE]",
            "INSTALL_FAILED_INSUFFICIENT_STORAGE",
            "Free some storage",
        ),
        (
            "Exception: java.io.IOException: Requested internal only, but not enough space",
            "INSTALL_FAILED_INSUFFICIENT_STORAGE",
            "Free some storage",
        ),
        ("write failed: No space left on device", "INSTALL_FAILED_INSUFFICIENT_STORAGE", "storage"),
        (
            "android.os.ParcelableException: java.io.IOException: Failed to allocate 45097 because "
            "only 0 allocatable",
            "INSTALL_FAILED_INSUFFICIENT_STORAGE",
            "Free some storage",
        ),
        ("failed to write: EDQUOT (Quota exceeded)", "INSTALL_FAILED_INSUFFICIENT_STORAGE", "Free"),
        (
            "Failure [INSTALL_FAILED_ABORTED: User rejected permissions]",
            "INSTALL_FAILED_ABORTED",
            "refused",
        ),
        (
            "Failure [INSTALL_FAILED_INVALID_APK: Failed to extract native libraries, res=-2]",
            "INSTALL_FAILED_INVALID_APK",
            "build it again",
        ),
        ("Failure [INSTALL_PARSE_FAILED_NOT_APK]", "INSTALL_PARSE_FAILED_NOT_APK", ""),
        ("Failure [-99]", "", ""),
        ("Failure [SOMETHING_NEW]", "", ""),
    ],
)
def test_a_refusal_has_its_code_and_what_to_do(answer: str, code: str, advice: str) -> None:
    with pytest.raises(InstallFailed) as caught:
        install._check(PHONE, "a.apk", answer)
    assert caught.value.code == code
    assert advice in caught.value.advice
    install._check(PHONE, "a.apk", "Success\n")


@pytest.mark.parametrize("answers_at_once", [True, False])
def test_a_dialog_that_waits_on_the_screen_is_told_long_before_the_limit(
    answers_at_once: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(install, "_SILENT_S", 30.0 if answers_at_once else 0.0)
    with caplog.at_level(logging.WARNING), install._told_when_silent(PHONE):
        end = time.monotonic() + 20
        while not answers_at_once and not caplog.text and time.monotonic() < end:
            time.sleep(0.01)
    assert ("look at its screen" in caplog.text) is not answers_at_once


@pytest.mark.parametrize(
    ("stdout", "stderr", "code", "problem"),
    [
        ("a line\n", "", 0, ""),
        ("", "", 0, ""),
        ("", "logcat: Unexpected EOF!\n", 1, "logcat: Unexpected EOF!"),
        ("", "logcat: Unexpected EOF!\n", 0, "logcat: Unexpected EOF!"),
        ("", "logcat: failed to clear the 'main' log\n", 1, "failed to clear"),
        ("", "", 127, "exit code 127"),
    ],
)
def test_a_log_that_cannot_be_read_is_known(
    stdout: str, stderr: str, code: int, problem: str
) -> None:
    said = log_problem(ShellResult(stdout, stderr, code, stdout.encode()))
    assert (problem in said) if problem else (said == "")
