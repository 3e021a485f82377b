"""Reading an APK's binary manifest."""

import importlib.util
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.virtual.system.apk import ApkError, parse_manifest, read_apk
from tests.fixtures.clients import NO_DEVLIB
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


def test_native_code_splits_and_test_only(tmp_path: Path) -> None:
    path = write_apk(tmp_path / "x.apk", "org.example.a", split="config.en", test_only=True,
                     abis=("x86_64", "arm64-v8a"))  # fmt: skip
    info = read_apk(path)
    assert info.abis == ("arm64-v8a", "x86_64")
    assert (info.split, info.test_only) == ("config.en", True)
    plain = read_apk(write_apk(tmp_path / "y.apk", "org.example.a"))
    assert (plain.abis, plain.split, plain.test_only) == ((), "", False)


def test_a_real_apk_of_others() -> None:
    spec = importlib.util.find_spec("devlib")  # it has one in its wheel; importing it takes long
    if spec is None or spec.origin is None:
        pytest.skip(NO_DEVLIB)
    folder = Path(spec.origin).parent
    info = read_apk(folder / "instrument/netstats/netstats.apk")
    assert info.package == "com.arm.devlib.netstats"
    assert (info.version_code, info.version_name) == (1, "1.0")
    assert (info.abis, info.split) == ((), "")


def test_each_fault_of_an_apk_has_androids_own_word(tmp_path: Path) -> None:
    empty = tmp_path / "empty.apk"
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("classes.dex", b"")
    text = tmp_path / "text.apk"
    with zipfile.ZipFile(text, "w") as archive:
        archive.writestr("AndroidManifest.xml", "<manifest package='org.example'/>")
    nameless = write_apk(tmp_path / "nameless.apk", "no-dots")
    (tmp_path / "junk.apk").write_bytes(b"PK\x03\x04")
    words = {}
    for path in (tmp_path / "junk.apk", empty, text, nameless):
        with pytest.raises(ApkError) as caught:
            read_apk(path)
        words[path.stem] = caught.value.code.removeprefix("INSTALL_PARSE_FAILED_")
    assert words == {
        "junk": "NOT_APK",
        "empty": "UNEXPECTED_EXCEPTION",
        "text": "BAD_MANIFEST",
        "nameless": "BAD_PACKAGE_NAME",
    }


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


def test_activities_and_which_has_the_icon(tmp_path: Path) -> None:
    apk = write_apk(tmp_path / "a.apk", "org.example", activities=(".Main", "org.other.Second"))
    info = read_apk(apk)
    assert info.activities == ("org.example.Main", "org.other.Second")
    assert info.launcher == "org.example.Main"
    assert read_apk(write_apk(tmp_path / "b.apk", "org.example")).launcher == ""
