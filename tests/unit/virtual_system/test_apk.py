"""Reading an APK's binary manifest."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.virtual.system.apk import ApkError, parse_manifest, read_apk
from tests.fixtures.data.apk import binary_manifest, write_apk

_MANIFEST = binary_manifest("org.example", 3, "1.2", 26, ("android.permission.INTERNET",))


@pytest.mark.parametrize("utf8", [True, False])
def test_what_a_manifest_says(tmp_path: Path, utf8: bool) -> None:
    path = write_apk(tmp_path / "x.apk", "org.example.a", version_code=17, version_name="1.7-β",
                     min_sdk=26, permissions=("android.permission.CAMERA",), utf8=utf8)  # fmt: skip
    info = read_apk(path)
    assert (info.package, info.version_code, info.version_name) == ("org.example.a", 17, "1.7-β")
    assert (info.min_sdk, info.target_sdk) == (26, 26)
    assert info.permissions == ("android.permission.CAMERA",)


def test_what_is_no_apk(tmp_path: Path) -> None:
    path = tmp_path / "x.apk"
    path.write_bytes(b"hello")
    with pytest.raises(ApkError, match="not an APK"):
        read_apk(path)
    with pytest.raises(ApkError):
        read_apk(tmp_path / "absent.apk")
    with pytest.raises(ApkError):
        parse_manifest(b"<manifest package='org.example'/>")


@given(st.integers(0, len(_MANIFEST)), st.binary(max_size=8))
def test_a_damaged_manifest_is_an_error_or_still_read_never_a_crash(at: int, junk: bytes) -> None:
    damaged = _MANIFEST[:at] + junk + _MANIFEST[at + len(junk) :]
    assert _package_or_error(damaged)
    assert _package_or_error(_MANIFEST[:at])


def _package_or_error(data: bytes) -> str:
    try:
        return parse_manifest(data).package
    except ApkError as error:
        return str(error)
