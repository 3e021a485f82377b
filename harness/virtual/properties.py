"""System properties of a virtual phone: its profile's, the usual ones, and its true marks."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.devices.profile import DeviceProfile

PROPERTY_FOLDER = "dev/__props"
_ABIS = {"x86_64": "x86_64", "aarch64": "arm64-v8a", "armv7l": "armeabi-v7a", "i686": "x86"}


def host_abi() -> str:
    """Return the ABI of programs that run here: clients push real ones by what the phone says."""
    return _ABIS.get(platform.machine(), platform.machine())


def host_zone() -> str:
    """Return the name of the host's time zone, which a phone's clock and log show."""
    named = os.environ.get("TZ", "").lstrip(":")
    if named and not named.startswith("/"):
        return named
    where = os.path.realpath("/etc/localtime")
    return where.partition("/zoneinfo/")[2] or "UTC"


def android_id(serial: str) -> str:
    """Return the phone's ``android_id``: unique, and the same each time."""
    return hashlib.sha256(serial.encode()).hexdigest()[:16]


def all_properties(
    profile: DeviceProfile, *, serial: str, marks: Mapping[str, str]
) -> dict[str, str]:
    """Return every property that a new phone of this profile has.

    Args:
        profile: What it is modelled on.
        serial: Its serial number.
        marks: What it says truly of itself, as ``ro.vlab.NAME``; empty values are left out.
    """
    own = profile.properties
    device = own.get("ro.product.device", profile.name.replace("-", "_"))
    brand = own.get("ro.product.brand", "generic")
    build = own.get("ro.build.id", f"VLAB.{profile.sdk}.001")
    found = {
        "dalvik.vm.heapgrowthlimit": "256m",
        "dalvik.vm.heapsize": "512m",
        "dev.bootcomplete": "1",
        "init.svc.adbd": "running",
        "init.svc.bootanim": "stopped",
        "init.svc.lmkd": "running",
        "init.svc.logd": "running",
        "persist.sys.locale": "en-US",
        "persist.sys.timezone": host_zone(),
        "ro.build.characteristics": "default",
        "ro.build.display.id": build,
        "ro.build.fingerprint": (
            f"{brand}/{device}/{device}:{profile.android}/{build}/1:user/release-keys"
        ),
        "ro.build.id": build,
        "ro.build.product": device,
        "ro.build.tags": "release-keys",
        "ro.build.version.codename": "REL",
        "ro.build.version.incremental": "1",
        "ro.build.version.release": profile.android,
        "ro.build.version.sdk": str(profile.sdk),
        "ro.crypto.state": "encrypted",
        "ro.hardware": "vlab",
        "ro.product.board": device,
        "ro.product.brand": brand,
        "ro.product.device": device,
        "ro.product.manufacturer": brand,
        "ro.product.model": profile.title,
        "ro.product.name": device,
        "ro.secure": "1",
        "ro.sf.lcd_density": "420",
        "ro.soc.model": profile.soc,
        "ro.zygote": "zygote64",
        "sys.boot_completed": "1",
        "sys.usb.state": "none",
    }
    found.update(own)
    found.update(
        {
            "ro.boot.serialno": serial,
            "ro.serialno": serial,
            # ro.debuggable=1 would make clients ask for root, which isn't there
            "ro.build.type": "user",
            "ro.debuggable": "0",
            "ro.product.cpu.abi": host_abi(),
            "ro.product.cpu.abilist": host_abi(),
            "ro.vlab.virtual": "1",
            "ro.vlab.profile": profile.name,
        }
    )
    found.update({f"ro.vlab.{name}": value for name, value in marks.items() if value})
    return found


class PropertyStore(Mapping[str, str]):
    """The properties as the phone has them now: one file a key, since the phone writes them too.

    Args:
        root: Host folder of the phone.
    """

    def __init__(self, root: Path) -> None:
        self._folder = root / PROPERTY_FOLDER

    def __getitem__(self, key: str) -> str:
        if "/" in key or key.startswith("."):
            raise KeyError(key)
        try:
            return (self._folder / key).read_text("utf-8", "surrogateescape").rstrip("\n")
        except OSError:
            raise KeyError(key) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def _names(self) -> list[str]:
        return sorted(p.name for p in self._folder.iterdir() if not p.name.startswith("."))

    def set(self, key: str, value: str) -> None:
        """Write one property, ``ro.`` too; a reader sees the old or the new value."""
        self._folder.mkdir(parents=True, exist_ok=True)
        temporary = self._folder / f".{key}"
        temporary.write_text(value + "\n", encoding="utf-8", errors="surrogateescape")
        os.replace(temporary, self._folder / key)  # noqa: PTH105

    def set_all(self, properties: Mapping[str, str]) -> None:
        """Write many properties."""
        for key, value in properties.items():
            self.set(key, value)
