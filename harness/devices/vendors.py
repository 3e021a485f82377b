"""What a maker's own Android does to background work: what can be checked, what a person must set.

One YAML file a maker's Android in ``device_profiles/vendors/``. It holds for every phone that runs
it, also one whose model no profile knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from pydantic import Field

from harness.devices.changes import DozeAllowed
from harness.devices.findings import Check, Outcome
from harness.devices.inventory import PhoneInfo
from harness.devices.own_files import readable
from harness.devices.profile import (
    Expression,
    NamedPart,
    Quirk,
    QuirkCheck,
    load_profiles,
    read_named,
)
from harness.paths import named_files


class Vendor(NamedPart):
    """One maker's Android."""

    title: str
    match: tuple[dict[str, Expression], ...] = Field(min_length=1)
    """Of each: property -> regular expression for the whole value, all must hold; one is enough."""
    quirks: tuple[Quirk, ...] = Field(min_length=1)

    def matches(self, properties: Mapping[str, str]) -> bool:
        """Tell whether a phone with these properties runs it."""
        return any(
            all(re.fullmatch(what, properties.get(name, "")) for name, what in values.items())
            for values in self.match
        )


def load_vendors(folder: Path | None = None) -> tuple[Vendor, ...]:
    """Read all makers' files of a folder (of all folders of ``harness.paths`` if None).

    Of the folders of ``harness.paths`` a file that is wrong is left out and logged.

    Raises:
        InputError: One of ``folder`` is wrong: file, line and field.
    """
    if folder is not None:
        return tuple(_read(path) for path in sorted(folder.glob("*.yaml")))
    return _load(tuple(paths[0] for paths in named_files("device_profiles/vendors").values()))


@lru_cache(maxsize=8)
def _load(files: tuple[Path, ...]) -> tuple[Vendor, ...]:
    return tuple(readable(files, _read)[0])


def _read(path: Path) -> Vendor:
    return read_named(Vendor, path)


def quirks_of(info: PhoneInfo) -> tuple[Quirk, ...]:
    """Return what is to be known of a phone: its maker's quirks, then its model's.

    A virtual phone has a maker's names but none of its habits.
    """
    if info.origin != "device":
        return ()
    profile = load_profiles().get(info.profile)
    makers = [quirk for vendor in load_vendors() if vendor.matches(info.properties)
              for quirk in vendor.quirks]  # fmt: skip
    return (*makers, *(profile.quirks if profile else ()))


def refusal_advice(info: PhoneInfo) -> str:
    """Return what a person may do where this phone refuses a change of its settings."""
    return " ".join(quirk.advice for quirk in quirks_of(info) if quirk.explains_refusals)


def questions(quirks: tuple[Quirk, ...], package: str) -> dict[str, list[str]]:
    """Return the commands that tell how things stand, by the quirk's id (pure)."""
    asked: dict[str, list[str]] = {}
    for quirk in quirks:
        if quirk.check is None:
            continue
        if quirk.check.appop is not None:
            asked[quirk.id] = ["cmd", "appops", "get", package, quirk.check.appop]
        elif quirk.check.doze_allowed:
            asked[quirk.id] = DozeAllowed(package=package, allowed=True).ask()
    return asked


def judge_quirk(quirk: Quirk, info: PhoneInfo, package: str, answer: str | None) -> Check:
    """Say how a quirk stands: done, not done, or not to be seen by a program (pure).

    Args:
        quirk: The quirk.
        info: The phone.
        package: The trainer's.
        answer: What the command of `questions` printed; None if there was none.
    """
    is_done = None
    if quirk.check is not None:
        is_done = _done(quirk.check, info, package, answer)
    if is_done is None:
        return Check(info.serial, quirk.id, "info", f"{quirk.what} (look once)", quirk.advice)
    if is_done:
        return Check(info.serial, quirk.id, "ok", "set as it should be")
    by_itself = quirk.check is not None and quirk.check.doze_allowed  # a run does that one
    outcome: Outcome = "info" if by_itself else "warning"
    return Check(info.serial, quirk.id, outcome, quirk.what, quirk.advice)


def _done(check: QuirkCheck, info: PhoneInfo, package: str, answer: str | None) -> bool | None:
    if check.property is not None:
        # a switch that was never touched has no property: it is off
        return re.fullmatch(check.good, info.properties.get(check.property, "")) is not None
    if answer is None:
        return None
    if check.doze_allowed:
        now = DozeAllowed(package=package, allowed=True).now(answer)
        return None if now is None else now.allowed
    # a vendor's operation is printed as MIUIOP(10008): ignore; time=+2h ago
    mode = re.search(rf"(?m)^(?:\w+\()?{check.appop}\)?: (\w+)", answer)
    return None if mode is None else re.fullmatch(check.good, mode[1]) is not None
