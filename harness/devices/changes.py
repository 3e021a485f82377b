"""What the harness may change on a phone, each kind with the way back (pure).

A change is written as the state that it makes: asking the phone gives the same kind of object with
the state of now, and making that one again is the way back. So what lies on the phone as
``restore.json`` is a list of states, nothing more; each is checked before it becomes a command.
"""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal, Union

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.]{0,127}$")]
Value = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f]{0,1024}$")]
Package = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)+$")]

_EXEMPTED = 5
"""On a list of Android's own (doze allow-list, device owner): never held back, and not to be set.
"""
_BUCKETS = {
    _EXEMPTED: "exempted",
    10: "active",
    20: "working_set",
    30: "frequent",
    40: "rare",
    45: "restricted",
    50: "never",
}
"""Source: AOSP ``UsageStatsManager.STANDBY_BUCKET_*`` and ``UsageStatsShellCommand``; ``never`` is
that of an app that nobody has opened yet."""
_OP_MODE = re.compile(r"^(?:Uid mode: )?(\w+): (allow|ignore|deny|default|foreground)\b", re.M)
_BUCKET = re.compile(r"^\s*([0-9]{1,3})\s*$")


class Change(BaseModel):
    """One state of one thing on the phone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stays: ClassVar[bool] = True
    """It stays as it was made; else the phone may move it by itself."""

    @property
    def thing(self) -> tuple[str, ...]:
        """What is changed, whatever its state: of two changes of it the first one's past counts."""
        raise NotImplementedError

    @property
    def told(self) -> str:
        """The thing and its state in words."""
        raise NotImplementedError

    def ask(self) -> list[str]:
        """Return the command that tells the state of now."""
        raise NotImplementedError

    def now(self, answer: str) -> Change | None:
        """Return the state that the answer tells; None if it tells none: then leave it alone."""
        raise NotImplementedError

    def make(self) -> list[str]:
        """Return the command that makes this state."""
        raise NotImplementedError

    def met_by(self, now: Change) -> bool:
        """Return whether a state is as good as this one."""
        return now == self


class Setting(Change):
    """A value of ``settings``."""

    kind: Literal["setting"] = "setting"
    namespace: Literal["system", "secure", "global"]
    key: Key
    value: Value | None
    """None: not set."""

    @property
    def thing(self) -> tuple[str, ...]:
        """See `Change`."""
        return (self.kind, self.namespace, self.key)

    @property
    def told(self) -> str:
        """See `Change`."""
        return f"setting {self.namespace} {self.key} ({_shown(self.value)})"

    def ask(self) -> list[str]:
        """See `Change`."""
        return ["settings", "get", self.namespace, self.key]

    def now(self, answer: str) -> Setting | None:
        """See `Change`."""
        text = answer.strip("\r\n")
        if _refused(text) or "\n" in text or len(text) > 1024:
            return None
        return self.model_copy(update={"value": None if text == "null" else text})

    def make(self) -> list[str]:
        """See `Change`."""
        if self.value is None:
            return ["settings", "delete", self.namespace, self.key]
        return ["settings", "put", self.namespace, self.key, self.value]


class Config(Change):
    """A value of ``device_config`` (Android 10 and later)."""

    kind: Literal["device_config"] = "device_config"
    namespace: Key
    key: Key
    value: Value | None

    @property
    def thing(self) -> tuple[str, ...]:
        """See `Change`."""
        return (self.kind, self.namespace, self.key)

    @property
    def told(self) -> str:
        """See `Change`."""
        return f"device_config {self.namespace} {self.key} ({_shown(self.value)})"

    def ask(self) -> list[str]:
        """See `Change`."""
        return ["device_config", "get", self.namespace, self.key]

    def now(self, answer: str) -> Config | None:
        """See `Change`."""
        text = answer.strip("\r\n")
        if not text or _refused(text) or "\n" in text or len(text) > 1024:
            return None
        return self.model_copy(update={"value": None if text == "null" else text})

    def make(self) -> list[str]:
        """See `Change`."""
        if self.value is None:
            return ["device_config", "delete", self.namespace, self.key]
        return ["device_config", "put", self.namespace, self.key, self.value]


class Unplugged(Change):
    """What Android believes of its plug; the phone goes on charging.

    While it is so, ``dumpsys battery`` shows the level and temperature of the moment it began.
    """

    kind: Literal["battery"] = "battery"
    unplugged: bool

    @property
    def thing(self) -> tuple[str, ...]:
        """See `Change`."""
        return (self.kind,)

    @property
    def told(self) -> str:
        """See `Change`."""
        return f"battery ({'unplugged, simulated' if self.unplugged else 'as measured'})"

    def ask(self) -> list[str]:
        """See `Change`."""
        return ["dumpsys", "battery"]

    def now(self, answer: str) -> Unplugged | None:
        """See `Change`."""
        if "level:" not in answer:
            return None
        return Unplugged(unplugged="UPDATES STOPPED" in answer)

    def make(self) -> list[str]:
        """See `Change`."""
        return ["dumpsys", "battery", "unplug" if self.unplugged else "reset"]


class DozeAllowed(Change):
    """Whether a package is on the user's list of those that doze leaves alone."""

    kind: Literal["doze_allowed"] = "doze_allowed"
    package: Package
    allowed: bool

    @property
    def thing(self) -> tuple[str, ...]:
        """See `Change`."""
        return (self.kind, self.package)

    @property
    def told(self) -> str:
        """See `Change`."""
        return f"doze allow-list {self.package} ({'on it' if self.allowed else 'not on it'})"

    def ask(self) -> list[str]:
        """See `Change`."""
        return ["dumpsys", "deviceidle", "whitelist"]

    def now(self, answer: str) -> DozeAllowed | None:
        """See `Change`."""
        if _refused(answer):
            return None
        names = {line.strip().split(",")[1] for line in answer.splitlines() if line.count(",") == 2}
        return self.model_copy(update={"allowed": self.package in names})

    def make(self) -> list[str]:
        """See `Change`."""
        sign = "+" if self.allowed else "-"
        return ["dumpsys", "deviceidle", "whitelist", f"{sign}{self.package}"]


class AppOp(Change):
    """Whether a package may do something, by ``appops``."""

    kind: Literal["appop"] = "appop"
    package: Package
    op: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z_]{2,60}$")]
    mode: Literal["allow", "ignore", "deny", "default", "foreground"]

    @property
    def thing(self) -> tuple[str, ...]:
        """See `Change`."""
        return (self.kind, self.package, self.op)

    @property
    def told(self) -> str:
        """See `Change`."""
        return f"appops {self.package} {self.op} ({self.mode})"

    def ask(self) -> list[str]:
        """See `Change`."""
        return ["cmd", "appops", "get", self.package, self.op]

    def now(self, answer: str) -> AppOp | None:
        """See `Change`."""
        # the package's own line counts, not the mode of its uid or the default
        modes = [m[2] for m in _OP_MODE.finditer(answer) if m[1] == self.op and m[0][:4] != "Uid "]
        if not modes and "No operations" not in answer:
            return None
        return self.model_copy(update={"mode": modes[0] if modes else "default"})

    def make(self) -> list[str]:
        """See `Change`."""
        return ["cmd", "appops", "set", self.package, self.op, self.mode]


class Bucket(Change):
    """A package's standby bucket (Android 9 and later)."""

    stays: ClassVar[bool] = False
    kind: Literal["standby_bucket"] = "standby_bucket"
    package: Package
    bucket: Literal[5, 10, 20, 30, 40, 45, 50]

    @property
    def thing(self) -> tuple[str, ...]:
        """See `Change`."""
        return (self.kind, self.package)

    @property
    def told(self) -> str:
        """See `Change`."""
        return f"standby bucket {self.package} ({_BUCKETS[self.bucket]})"

    def ask(self) -> list[str]:
        """See `Change`."""
        return ["am", "get-standby-bucket", self.package]

    def now(self, answer: str) -> Bucket | None:
        """See `Change`."""
        found = _BUCKET.match(answer)
        number = int(found[1]) if found else 0
        return self.model_copy(update={"bucket": number}) if number in _BUCKETS else None

    def make(self) -> list[str]:
        """See `Change`."""
        return ["am", "set-standby-bucket", self.package, _BUCKETS[self.bucket]]

    def met_by(self, now: Change) -> bool:
        """See `Change`; an exempted package is held back even less."""
        return now == self or (isinstance(now, Bucket) and now.bucket == _EXEMPTED)


AnyChange = Annotated[
    Union[Setting, Config, Unplugged, DozeAllowed, AppOp, Bucket],  # noqa: UP007 - for 3.10
    Field(discriminator="kind"),
]


def refusal(code: int, said: str) -> str:
    """Return why a command did not do what it was asked, empty if it did.

    ``settings`` and others of many phones print the exception and end with 0.
    """
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    named = next((line for line in lines if "SecurityException" in line), None)
    if named is not None:
        return named[:300]
    if code != 0 or _refused(said):
        return (lines[0] if lines else f"exit code {code}")[:300]
    return ""


def _refused(said: str) -> bool:
    marks = ("Exception", "Permission denial", "Permission Denial", "Can't find service",
             "not found", "Unknown command", "Error: ")  # fmt: skip
    return any(mark in said for mark in marks)


def _shown(value: str | None) -> str:
    return "not set" if value is None else value
