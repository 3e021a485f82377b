"""Device profiles: what is known of a phone model before one is plugged in.

One YAML file a model in ``device_profiles/``. A profile recognises a phone by its properties,
answers for what the phone cannot be asked (which RAM is free when it idles), and is the plan from
which a virtual phone is made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from harness.devices.own_files import readable
from harness.errors import InputError, did_you_mean
from harness.paths import named_files
from harness.yamlio import load_yaml, validate

DEFAULT_WORK_DIR = "/data/local/tmp/mobileasr"
GENERIC = "generic"
"""Name of the profile for phones that no other profile recognises."""

Abi = Literal["arm64-v8a", "armeabi-v7a", "x86_64", "x86"]
PhoneFolder = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._/-]*[A-Za-z0-9._-]$")]


def _compiles(expression: str) -> str:
    try:
        re.compile(expression)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return expression


Expression = Annotated[str, AfterValidator(_compiles)]


class Part(BaseModel):
    """Base of what stands in these files: strict, frozen, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)


class Cluster(Part):
    """Cores of one kind."""

    kind: Literal["prime", "big", "little"]
    count: int = Field(ge=1, le=64)
    max_mhz: int = Field(ge=100, le=10_000)


class QuirkCheck(Part):
    """How the harness sees by itself whether a person has done it. One of the three is named."""

    property: str | None = None
    """A system property."""
    appop: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9_]{3,60}$")] | None = None
    """An operation of ``appops`` of the trainer; a number for a vendor's own."""
    doze_allowed: bool = False
    """The trainer stands on the list of apps that doze leaves alone."""
    good: Expression = ".+"
    """The whole value when it has been done."""

    @model_validator(mode="after")
    def _one(self) -> QuirkCheck:
        if sum([self.property is not None, self.appop is not None, self.doze_allowed]) != 1:
            raise ValueError("give one of property, appop, doze_allowed")
        return self


class Quirk(Part):
    """Something a person has to know or set; no program can do it for them."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$")]
    what: str
    """What goes wrong if it is not done."""
    advice: str
    """What to do, in the words of the phone's own settings."""
    check: QuirkCheck | None = None
    """None: no program can see it."""
    explains_refusals: bool = False
    """It is why the phone refuses a change of its settings."""


class DeviceProfile(Part):
    """One phone model. Sizes named ``_mb`` are MiB."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=60)]
    title: str
    match: dict[str, Expression] = Field(default_factory=dict)
    """Property -> regular expression; all must match the whole value. Empty: matches nothing."""
    ram_total_mb: float = Field(ge=256, le=65_536)
    """Built-in RAM. A real phone's MemTotal is some hundred MiB less (the kernel's own share)."""
    idle_available_mb: float = Field(ge=64)
    """MemAvailable when nothing but the system runs."""
    soc: str
    android: str
    sdk: int = Field(ge=21, le=99)
    abi: Abi
    """ABI of the real phone; a virtual one reports its host's."""
    cores: tuple[Cluster, ...] = Field(min_length=1)
    battery_capacity_mah: int = Field(ge=100, le=50_000)
    lmkd_kill_below_mb: float = Field(8.0, ge=0)
    """MemAvailable below which a virtual phone's lmkd kills, the highest oom_score_adj first.

    Modelled: lmkd of Android 10 and later kills on stalls (PSI), which a virtual phone has none of,
    so no level of a real phone would be right; the shipped profiles say almost nothing left.
    """
    work_dir: PhoneFolder = DEFAULT_WORK_DIR
    properties: dict[str, str] = Field(default_factory=dict)
    """What ``getprop`` says on this model, as far as known; a virtual phone says the same."""
    quirks: tuple[Quirk, ...] = ()
    """Of this model alone; those of its maker's Android are in ``vendors/``."""

    @model_validator(mode="after")
    def _idle_fits(self) -> DeviceProfile:
        if not self.lmkd_kill_below_mb < self.idle_available_mb < self.ram_total_mb:
            raise ValueError(
                "must hold: lmkd_kill_below_mb < idle_available_mb < ram_total_mb "
                f"({self.lmkd_kill_below_mb:g}, {self.idle_available_mb:g}, {self.ram_total_mb:g})"
            )
        return self

    @cached_property
    def core_count(self) -> int:
        """All cores of the phone."""
        return sum(cluster.count for cluster in self.cores)

    def matches(self, properties: Mapping[str, str]) -> bool:
        """Tell whether a phone with these properties is of this model."""
        return bool(self.match) and all(
            re.fullmatch(expression, properties.get(name, ""))
            for name, expression in self.match.items()
        )


def load_profiles(folder: Path | None = None) -> dict[str, DeviceProfile]:
    """Read all profiles of a folder (of all folders of ``harness.paths`` if None).

    Args:
        folder: Where. Of the folders of ``harness.paths`` a profile that is wrong is left out and
            logged: it is of no phone but its own.

    Returns:
        Name -> profile, in the order of the names.

    Raises:
        InputError: A profile of ``folder`` is wrong (file, line, field), or there are none.
    """
    found = _files(folder)
    if not found:
        raise InputError("no device profiles (*.yaml) here", where=str(folder))
    if folder is None:
        profiles, _ = readable(found.values(), read_profile)
        return {profile.name: profile for profile in profiles}
    return {name: read_profile(path) for name, path in found.items()}


def broken_profiles() -> list[InputError]:
    """Return what is wrong with profiles that are left out."""
    return readable(_files(None).values(), read_profile)[1]


def _files(folder: Path | None) -> dict[str, Path]:
    """Return the file of each profile."""
    if folder is not None:
        return {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    return {name: paths[0] for name, paths in named_files("device_profiles").items()}


def read_profile(path: Path) -> DeviceProfile:
    """Read one profile file.

    Raises:
        InputError: It is wrong: file, line and field.
    """
    data, index = load_yaml(path)
    profile = validate(DeviceProfile, tuples(data), index)
    if profile.name != path.stem:
        raise InputError(
            f"the name is {profile.name!r}, but the file is called {path.name}",
            where=index.where(("name",)),
        )
    return profile


def load_profile(name: str, folder: Path | None = None) -> DeviceProfile:
    """Read one profile by its name.

    Raises:
        InputError: There is none of that name, or it is wrong.
    """
    known = _files(folder)
    if name in known:
        return read_profile(known[name])
    meant = did_you_mean(name, known)
    raise InputError(f"no device profile {name!r}", hint=f"{meant}Known: {', '.join(known)}.")


def recognise(
    properties: Mapping[str, str], profiles: Mapping[str, DeviceProfile]
) -> DeviceProfile | None:
    """Return the profile of the phone with these properties, ``generic`` if none fits.

    A virtual phone names its profile itself in ``ro.vlab.profile``.
    """
    named = profiles.get(properties.get("ro.vlab.profile", ""))
    if named is not None:
        return named
    for profile in profiles.values():
        if profile.matches(properties):
            return profile
    return profiles.get(GENERIC)


def tuples(data: object) -> object:
    """Return YAML data with tuples for lists: strict models take a list for one only from JSON."""
    if isinstance(data, dict):
        return {key: tuples(value) for key, value in data.items()}
    return tuple(tuples(item) for item in data) if isinstance(data, list) else data
