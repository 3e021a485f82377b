"""Changing a phone so that it comes back as it was, also after a crash of the host.

Before anything is changed, how it was is written to ``restore.json`` in the phone's work folder.
Who meets the phone next, this process or another, puts it back from there, the last change first.
However many changes: one command asks, one file is written, one command makes them.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.adb.errors import FileMissing
from harness.adb.phone import Phone
from harness.adb.shell import quote
from harness.devices.changes import AnyChange, Change, refusal

log = logging.getLogger(__name__)

RESTORE_FILE = "restore.json"
_MARK = "#mobileasr-change"
_TIMEOUT_S = 60.0


class Restore(BaseModel):
    """``restore.json``: it lies on the phone, so it is checked like any foreign input."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[2] = 2
    before: tuple[AnyChange, ...] = ()
    """How things were, in the order in which they were changed."""


@dataclass(frozen=True)
class Changed:
    """What became of some changes.

    Attributes:
        made: Those that were made.
        refused: Those that the phone does not allow, with its reason.
    """

    made: tuple[Change, ...] = ()
    refused: tuple[tuple[Change, str], ...] = ()


class SettingsGuard:
    """Changes one phone and remembers there how it was.

    Args:
        phone: The phone.
        work_dir: Its work folder.
    """

    def __init__(self, phone: Phone, work_dir: str) -> None:
        self._phone = phone
        self._work_dir = work_dir
        self._path = f"{work_dir}/{RESTORE_FILE}"

    def change(self, wanted: Sequence[Change]) -> Changed:
        """Make some states; what is so already is left alone.

        Raises:
            AdbError: The phone is lost; what was changed by then is remembered on it.
        """
        made: list[Change] = []
        refused: list[tuple[Change, str]] = []
        able: list[tuple[Change, Change]] = []
        for change, was in zip(wanted, self._states(wanted), strict=True):
            if was is None:
                refused.append((change, "the phone does not tell how it is"))
            elif not change.met_by(was):
                able.append((change, was))
        if not able:
            return Changed(refused=tuple(refused))
        remembered = list(self.remembered())
        known = {was.thing for was in remembered}
        new = [was for _, was in able if was.thing not in known]
        if new:
            self._remember([*remembered, *new])
        for (change, was), why in zip(
            able, self._make([change for change, _ in able]), strict=True
        ):
            if not why:
                made.append(change)
                continue
            refused.append((change, why))
            if was in new:
                new.remove(was)
        if refused and len(remembered) + len(new) > 0:
            self._remember([*remembered, *new])
        elif refused:
            self._phone.remove([self._path])
        return Changed(tuple(made), tuple(refused))

    def restore(self) -> tuple[str, ...]:
        """Put back everything that is remembered on the phone, by whomever it was changed.

        Returns:
            A note for each change, also for one that could not be put back.

        Raises:
            AdbError: The phone is lost; it stays remembered.
        """
        try:
            remembered = self._read()
        except ValidationError as error:
            log.warning("%s: %s is not one of ours: %s", self._phone.serial, self._path, error)
            self._phone.remove([self._path])
            return (
                f"{self._path} could not be read and was removed: what an earlier host changed on "
                "this phone may still be so (see: harness doctor).",
            )
        if not remembered:
            return ()
        backwards = remembered[::-1]
        notes, left = [], []
        for was, why in zip(backwards, self._make(backwards), strict=True):
            if why:
                left.append(was)
                notes.append(f"could not put back {was.told}: {why}")
            else:
                notes.append(f"put back {was.told}")
        if left:
            self._remember(left[::-1])
        else:
            self._phone.remove([self._path])
        return tuple(notes)

    def remembered(self) -> tuple[Change, ...]:
        """Return how things were before they were changed; nothing if nothing was."""
        try:
            return self._read()
        except ValidationError:
            return ()

    def _read(self) -> tuple[Change, ...]:
        try:
            raw = self._phone.read_file(self._path, max_bytes=1 << 16)
        except FileMissing:
            return ()
        return Restore.model_validate_json(raw).before

    def _remember(self, before: Sequence[Change]) -> None:
        self._phone.make_folder(self._work_dir)
        text = Restore.model_validate(
            {"before": [change.model_dump() for change in before]}
        ).model_dump_json(indent=1)
        self._phone.write_text(self._path, text + "\n", mode=0o600)

    def _states(self, wanted: Sequence[Change]) -> list[Change | None]:
        answers = self._each([change.ask() for change in wanted])
        return [
            change.now(said) if code == 0 else None
            for change, (code, said) in zip(wanted, answers, strict=True)
        ]

    def _make(self, changes: Sequence[Change]) -> list[str]:
        """Make states in this order; return of each why it is not so now, or nothing.

        What counts is what the phone tells afterwards: some refuse in words and end with 0, some
        in silence.
        """
        answers = self._each(
            [words for change in changes for words in (change.make(), change.ask())]
        )
        return [
            self._trouble(change, *answers[2 * n], *answers[2 * n + 1])
            for n, change in enumerate(changes)
        ]

    @staticmethod
    def _trouble(
        change: Change, code: int | None, said: str, asked_code: int | None, answer: str
    ) -> str:
        now = change.now(answer) if asked_code == 0 else None
        if now is not None and change.met_by(now):
            return ""
        if code is None:
            return "the phone gave no answer"
        why = refusal(code, said)
        if why or now is None or not change.stays:
            return why
        return f"it stays {now.told}"

    def _each(self, commands: Sequence[Sequence[str]]) -> list[tuple[int | None, str]]:
        """Run commands one after the other in one shell: exit code and all output of each."""
        lines = [
            f"{{ {' '.join(map(quote, words))}; }} 2>&1 </dev/null; echo; echo '{_MARK}' $?"
            for words in commands
        ]
        script = "\n".join(lines) + "\ntrue"
        # a state may be made twice, so a lost cable may be tried again
        result = self._phone.retried(lambda: self._phone.run(script, _TIMEOUT_S))
        text = result.stdout.replace("\r\n", "\n")
        found: list[tuple[int | None, str]] = []
        said: list[str] = []
        for line in text.split("\n"):
            mark, _, code = line.partition(" ")
            if mark == _MARK and code.strip().isdigit():
                found.append((int(code), "\n".join(said).rstrip("\n")))
                said = []
            else:
                said.append(line)
        # what the phone did not get to is not known
        return (found + [(None, "")] * len(commands))[: len(commands)]
