"""A phone that nobody has unlocked since it started: said at once, with what to do."""

from typing import Any

import pytest

from harness.adb.shell import ShellResult
from harness.devices import trainer_app
from harness.devices.trainer_app import TrainerUnusable


class LockedPhone:
    """What a phone with file-based encryption says before its first unlock."""

    serial = "S1"
    locked = True

    def make_folder(self, _path: str) -> None:
        pass

    def write_text(self, _path: str, _text: str) -> None:
        pass

    def query(self, _command: Any) -> str:
        return "/sdcard"

    def shell(self, command: Any, _timeout_s: float = 0) -> ShellResult:
        text = "Error: Not found; no service started.\n" if "am" in command else ""
        return ShellResult(text, "", 0, text.encode())


class LockedApp(LockedPhone):
    def __init__(self, phone: Any, _package: str) -> None:
        self.locked = phone.locked

    def shell(self, command: Any, _timeout_s: float = 0) -> ShellResult:
        error = "run-as: couldn't stat /data/user/0/org.mobileasr.trainer: No such file"
        return ShellResult("", error if self.locked else "", 1, b"")


@pytest.mark.parametrize("locked", [True, False])
def test_a_locked_phone_is_told_at_once(locked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer_app, "RunAsPhone", LockedApp)
    phone: Any = LockedPhone()
    phone.locked = locked
    slept: list[float] = []
    with pytest.raises(TrainerUnusable) as caught:
        trainer_app._find_way(phone, "/w", slept.append)
    assert ("unlock it once" in str(caught.value)) is locked
    assert (slept == []) is locked
