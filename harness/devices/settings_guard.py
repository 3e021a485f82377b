"""Changing a phone's settings so that they come back, also after a crash of the host.

Before a setting is changed, what it was is written to ``restore.json`` in the phone's work folder.
Who meets the phone next, this process or another, puts it back from there.
"""

from __future__ import annotations

import logging
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from harness.adb.errors import CommandFailed, FileMissing
from harness.adb.phone import Phone

log = logging.getLogger(__name__)

_FILE = "restore.json"
_STAY_AWAKE = ("global", "stay_on_while_plugged_in")
_ANY_POWER = "15"  # BatteryManager: AC 1, USB 2, wireless 4, dock 8

Namespace = Literal["system", "secure", "global"]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.]{0,127}$")]
Value = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f]{0,1024}$")]


class Setting(BaseModel):
    """A setting as it was before."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    namespace: Namespace
    key: Key
    value: Value | None
    """None: it was not set."""


class Restore(BaseModel):
    """``restore.json``: it lies on the phone, so it is checked like any foreign input."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    settings: tuple[Setting, ...] = ()


class SettingsGuard:
    """Changes settings of one phone and remembers them there.

    Args:
        phone: The phone.
        work_dir: Its work folder.
    """

    def __init__(self, phone: Phone, work_dir: str) -> None:
        self._phone = phone
        self._work_dir = work_dir
        self._path = f"{work_dir}/{_FILE}"

    def change(self, namespace: Namespace, key: str, value: str) -> bool:
        """Change a setting.

        Returns:
            False if it already was so.

        Raises:
            CommandFailed: The phone does not allow it (MIUI: USB debugging (Security settings)).
        """
        before = self._current(namespace, key)
        if before == value:
            return False
        remembered = self._remembered()
        if not any((one.namespace, one.key) == (namespace, key) for one in remembered.settings):
            setting = Setting(namespace=namespace, key=key, value=before)
            self._remember((*remembered.settings, setting))
        self._put(namespace, key, value)
        return True

    def stay_awake(self) -> bool:
        """Keep the screen on while plugged in; see `change`."""
        return self.change("global", _STAY_AWAKE[1], _ANY_POWER)

    def restore(self) -> tuple[str, ...]:
        """Put back everything that is remembered on the phone, by whomever it was changed.

        Returns:
            A note for each setting, also for one that could not be put back.
        """
        remembered = self._remembered()
        notes, left = [], []
        for setting in reversed(remembered.settings):
            name = f"{setting.namespace} {setting.key}"
            try:
                self._put(setting.namespace, setting.key, setting.value)
            except CommandFailed as error:
                left.append(setting)
                notes.append(f"could not put back setting {name}: {error}")
                continue
            was = "not set" if setting.value is None else setting.value
            notes.append(f"put back setting {name} ({was})")
        if left:
            self._remember(tuple(reversed(left)))
        elif remembered.settings:
            self._phone.remove([self._path])
        return tuple(notes)

    def _current(self, namespace: Namespace, key: str) -> str | None:
        text = self._phone.query(["settings", "get", namespace, key]).strip("\r\n")
        return None if text == "null" else text

    def _put(self, namespace: Namespace, key: str, value: str | None) -> None:
        if value is None:
            words = ["settings", "delete", namespace, key]
        else:
            words = ["settings", "put", namespace, key, value]
        result = self._phone.retried(lambda: self._phone.run(words))
        # `settings` of many phones prints the exception and ends with 0
        said = result.stdout + result.stderr
        if "Exception" in said or "Permission denial" in said:
            raise CommandFailed(
                serial=self._phone.serial, command=" ".join(words), code=result.code, stderr=said
            )

    def _remembered(self) -> Restore:
        try:
            raw = self._phone.read_file(self._path, max_bytes=1 << 16)
        except FileMissing:
            return Restore()
        try:
            return Restore.model_validate_json(raw)
        except ValidationError as error:
            log.warning("%s: %s is not one of ours: %s", self._phone.serial, self._path, error)
            return Restore()

    def _remember(self, settings: tuple[Setting, ...]) -> None:
        self._phone.make_folder(self._work_dir)
        text = Restore(settings=settings).model_dump_json(indent=1)
        self._phone.write_text(self._path, text + "\n", mode=0o600)
