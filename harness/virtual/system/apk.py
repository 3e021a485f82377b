"""What a package installer needs of an APK: its manifest, and for which ABIs it has code.

Source of the format: AOSP ``libs/androidfw/include/androidfw/ResourceTypes.h`` (chunks of a
resource file) and ``aapt``'s attribute numbers.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

_STRING_POOL, _XML, _START, _RESOURCE_MAP = 0x0001, 0x0003, 0x0102, 0x0180
_UTF8 = 1 << 8
_STRING, _INT_DEC, _INT_HEX, _BOOLEAN = 0x03, 0x10, 0x11, 0x12
_ATTRIBUTES = {
    0x0101021B: "versionCode",
    0x0101021C: "versionName",
    0x0101020C: "minSdkVersion",
    0x01010270: "targetSdkVersion",
    0x01010003: "name",
    0x01010272: "testOnly",
    0x0101000F: "debuggable",
}
_MOST_MANIFEST_BYTES = 4 << 20
_COMPONENTS = ("activity", "activity-alias", "service", "receiver", "provider")
_LAUNCHER = "android.intent.category.LAUNCHER"


_NATIVE = re.compile(r"lib/([^/]+)/[^/]+\.so")
# Source: AOSP ``FrameworkParsingPackageUtils.validateName``.
_PACKAGE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+")


class ApkError(ValueError):
    """Not an APK, or one without a readable manifest.

    Args:
        message: What's wrong.
        code: Android's word for it.
    """

    def __init__(self, message: str, code: str = "INSTALL_PARSE_FAILED_BAD_MANIFEST") -> None:
        self.code = code
        super().__init__(message)


@dataclass(frozen=True)
class ApkInfo:
    """What a manifest says.

    Args:
        package: Name of the package.
        version_code: Its version as a number.
        version_name: Its version as people see it.
        min_sdk: Least API level it runs on.
        target_sdk: API level it's made for.
        permissions: Permissions it asks for.
        split: Name of the split that it is of its package; empty: it's the base.
        test_only: It's made for tests; installed only if that's asked for.
        abis: ABIs for which it has native code; empty: it has none, and runs on any.
        debuggable: ``run-as`` works for it.
        activities: Whole class names of its activities.
        launcher: Which of them is started by its icon; empty: it has none.
    """

    package: str
    version_code: int = 0
    version_name: str = ""
    min_sdk: int = 1
    target_sdk: int = 1
    permissions: tuple[str, ...] = ()
    split: str = ""
    test_only: bool = False
    abis: tuple[str, ...] = ()
    debuggable: bool = False
    activities: tuple[str, ...] = ()
    launcher: str = ""


def read_apk(path: Path) -> ApkInfo:
    """Read an APK's manifest.

    Raises:
        ApkError: It has none that can be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if "AndroidManifest.xml" not in names:
                raise ApkError("AndroidManifest.xml", "INSTALL_PARSE_FAILED_UNEXPECTED_EXCEPTION")
            info = archive.getinfo("AndroidManifest.xml")
            if info.file_size > _MOST_MANIFEST_BYTES:
                raise ApkError("the manifest is too big")
            data = archive.read(info)
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise ApkError(f"not an APK: {error}", "INSTALL_PARSE_FAILED_NOT_APK") from error
    matches = (_NATIVE.fullmatch(name) for name in names)
    return replace(parse_manifest(data), abis=tuple(sorted({m[1] for m in matches if m})))


def parse_manifest(data: bytes) -> ApkInfo:
    """Read a binary AndroidManifest.xml.

    Raises:
        ApkError: It isn't one, or names no package.
    """
    try:
        elements = _elements(data)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise ApkError(f"the manifest is broken: {error}") from error
    values: dict[str, object] = {}
    permissions: list[str] = []
    activities: list[str] = []
    launcher = current = ""
    for name, attributes in elements:
        if name == "manifest" and "package" not in values:
            values.update(attributes)
        elif name == "uses-sdk":
            values.update({k: v for k, v in attributes.items() if k.endswith("SdkVersion")})
        elif name == "application":
            values["testOnly"] = attributes.get("testOnly", False)
            values["debuggable"] = attributes.get("debuggable", False)
        elif name == "uses-permission":
            permissions.append(str(attributes.get("name", "")))
        elif name in _COMPONENTS:
            current = str(attributes.get("name", "")) if name.startswith("activity") else ""
            activities += [current] if current else []
        elif name == "category" and attributes.get("name") == _LAUNCHER and not launcher:
            launcher = current
    package = str(values.get("package", ""))
    if not package:
        raise ApkError("the manifest names no package")
    if not _PACKAGE_NAME.fullmatch(package):
        raise ApkError(f"bad package name {package!r}", "INSTALL_PARSE_FAILED_BAD_PACKAGE_NAME")
    least = _integer(values.get("minSdkVersion"), 1)
    return ApkInfo(
        package=package,
        version_code=_integer(values.get("versionCode"), 0),
        version_name=str(values.get("versionName", "")),
        min_sdk=least,
        target_sdk=_integer(values.get("targetSdkVersion"), least),
        permissions=tuple(p for p in permissions if p),
        split=str(values.get("split", "")),
        test_only=values.get("testOnly") is True,
        debuggable=values.get("debuggable") is True,
        activities=tuple(_class_name(package, each) for each in activities),
        launcher=_class_name(package, launcher),
    )


def _class_name(package: str, name: str) -> str:
    """Return the whole name of a class that a manifest names with a dot before it, or without."""
    if not name:
        return ""
    return f"{package}{name}" if name.startswith(".") else name if "." in name else (
        f"{package}.{name}")  # fmt: skip


def _integer(value: object, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def _elements(data: bytes) -> list[tuple[str, dict[str, object]]]:
    """Return all start tags with their attributes."""
    kind, header, size = struct.unpack_from("<HHI", data)
    if kind != _XML:
        raise ApkError("the manifest isn't binary XML")
    strings: list[str] = []
    resources: list[int] = []
    elements: list[tuple[str, dict[str, object]]] = []
    at = header
    while at + 8 <= min(size, len(data)):
        kind, header, length = struct.unpack_from("<HHI", data, at)
        if length < 8:
            raise ApkError("the manifest is broken: a chunk without length")
        if kind == _STRING_POOL:
            strings = _strings(data[at : at + length])
        elif kind == _RESOURCE_MAP:
            count = (length - header) // 4
            resources = list(struct.unpack_from(f"<{count}I", data, at + header))
        elif kind == _START:
            elements.append(_start(data, at + header, strings, resources))
        at += length
    return elements


def _start(
    data: bytes, at: int, strings: list[str], resources: list[int]
) -> tuple[str, dict[str, object]]:
    name, first, size, count = struct.unpack_from("<4xIHHH", data, at)
    attributes: dict[str, object] = {}
    for index in range(count):
        place = at + first + index * size
        key, raw, value_kind, value = struct.unpack_from("<4xIi3xBI", data, place)
        known = _ATTRIBUTES.get(resources[key]) if key < len(resources) else None
        label = known or strings[key]
        if value_kind in (_INT_DEC, _INT_HEX):
            attributes[label] = value
        elif value_kind == _BOOLEAN:
            attributes[label] = value != 0
        elif value_kind == _STRING:
            attributes[label] = strings[value]
        elif raw >= 0:
            attributes[label] = strings[raw]
    return strings[name], attributes


def _strings(pool: bytes) -> list[str]:
    header, count, flags, start = struct.unpack_from("<2xH4xI4xII", pool)
    offsets = struct.unpack_from(f"<{count}I", pool, header)
    read = _utf8 if flags & _UTF8 else _utf16
    return [read(pool, start + offset) for offset in offsets]


def _utf8(pool: bytes, at: int) -> str:
    at += 2 if pool[at] & 0x80 else 1  # length in characters, not needed
    length = pool[at]
    at += 1
    if length & 0x80:
        length = (length & 0x7F) << 8 | pool[at]
        at += 1
    return pool[at : at + length].decode("utf-8")


def _utf16(pool: bytes, at: int) -> str:
    (length,) = struct.unpack_from("<H", pool, at)
    at += 2
    if length & 0x8000:
        (low,) = struct.unpack_from("<H", pool, at)
        length = (length & 0x7FFF) << 16 | low
        at += 2
    return pool[at : at + 2 * length].decode("utf-16-le")
