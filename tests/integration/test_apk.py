"""The APK, built and looked into with the real tools; skipped where they are not."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.apk.build import build_apk
from harness.apk.toolchain import Toolchain, find_toolchain
from harness.apk.verify import verify_apk
from harness.cli.app import app
from harness.errors import InputError

pytestmark = pytest.mark.jdk


@pytest.fixture(scope="module")
def toolchain():
    tools = find_toolchain()
    try:
        tools.require(("javac", "mvn", "aapt2", "zipalign", "apksigner", "keytool"))
    except InputError as error:
        pytest.skip(f"the APK was not built: {error.what}")
    return tools


@pytest.fixture(scope="module")
def apk(toolchain, tmp_path_factory) -> Path:
    """An APK as a user would build it, with a key made for this test."""
    folder = tmp_path_factory.mktemp("apk")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOBILEASR_LAB_CACHE", str(folder / "cache"))
        out = folder / "trainer.apk"
        result = CliRunner().invoke(app, ["apk", "build", "--out", str(out), "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["problems"] == []
    assert (found["min_sdk"], found["target_sdk"]) == (26, 34)
    assert found["abis"] == ["arm64-v8a", "armeabi-v7a", "x86_64"]
    assert found["signature_schemes"] == ["v2", "v3"]
    assert found["debuggable"]
    assert [text.split("/")[1] for text in found["warnings"]] == ["x86_64"], "arm64 has large pages"
    key = folder / "cache" / "apk" / "debug.keystore"
    assert key.is_file()
    assert oct((key.parent / "debug.password").stat().st_mode)[-3:] == "600"
    return out


def entries(path: Path) -> list[tuple[str, tuple[int, ...], bytes]]:
    with zipfile.ZipFile(path) as opened:
        return [(i.filename, i.date_time, opened.read(i)) for i in opened.infolist()]


@pytest.mark.nightly  # a second build; the first one is looked at whole beside it
def test_the_same_sources_give_the_same_bytes_but_for_the_signature(
    apk, toolchain, tmp_path, monkeypatch
):
    monkeypatch.setenv("MOBILEASR_LAB_CACHE", str(apk.parent / "cache"))
    again = build_apk(tmp_path / "again.apk", toolchain)
    assert entries(again) == entries(apk)


def test_a_changed_byte_breaks_the_signature(apk, toolchain, tmp_path):
    spoilt = tmp_path / "spoilt.apk"
    shutil.copyfile(apk, spoilt)
    content = bytearray(spoilt.read_bytes())
    content[content.index(b"classes.dex") + 2000] ^= 1
    spoilt.write_bytes(content)
    try:
        problems = verify_apk(spoilt, toolchain).problems
    except InputError as error:
        problems = (str(error),)  # the changed byte may break the zip as well
    assert problems


def test_what_lacks_is_said(apk, toolchain, tmp_path):
    """Without a library, a class and a signature."""
    poor = tmp_path / "poor.apk"
    with zipfile.ZipFile(apk) as opened, zipfile.ZipFile(poor, "w") as target:
        for info in opened.infolist():
            if "x86_64" not in info.filename:
                target.writestr(info, opened.read(info))
    problems = verify_apk(poor, toolchain).problems
    assert "no library for x86_64" in problems
    assert any(problem.startswith("the signature does not hold") for problem in problems)


@pytest.mark.parametrize(
    ("was", "now", "problem"),
    [
        ("0x40000000", "0x00000001", "TrainService is no foreground service of type specialUse"),
        ("targetSdkVersion:'34'", "targetSdkVersion:'32'", "the target is API 32, below 33"),
        (
            "permission.WAKE_LOCK",
            "permission.X",
            "it does not ask for android.permission.WAKE_LOCK",
        ),
        ("BallastService5", "Other", "no service BallastService5 in the manifest"),
        ("permission.DUMP", "permission.INTERNET", "TrainService is open to every app"),
    ],
)
def test_a_manifest_that_would_not_do(apk, toolchain, was, now, problem):
    class Told(Toolchain):
        def run(self, name, *arguments, cwd=None):
            return super().run(name, *arguments, cwd=cwd).replace(was, now)

    assert problem in verify_apk(apk, Told(toolchain.tools)).problems


@pytest.mark.parametrize("content", [None, b"", b"PK\3\4 no zip"])
def test_no_apk(content, toolchain, tmp_path):
    path = tmp_path / "x.apk"
    if content is not None:
        path.write_bytes(content)
    result = CliRunner().invoke(app, ["apk", "verify", str(path)])
    assert isinstance(result.exception, InputError)
    assert result.exception.where == str(path)


def test_what_is_missing_is_named_with_its_packages(tmp_path):
    with pytest.raises(InputError) as caught:
        find_toolchain({"PATH": str(tmp_path)}).require(("mvn", "aapt2"))
    assert "mvn, aapt2" in str(caught.value)
    assert "apt install aapt maven" in str(caught.value)


def test_the_newest_build_tools_of_an_sdk_come_first(tmp_path):
    for version in ("9.0.0", "34.0.0", "33.0.1"):
        tool = tmp_path / "build-tools" / version / "aapt2"
        tool.parent.mkdir(parents=True)
        tool.touch(mode=0o755)
    tools = find_toolchain({"PATH": "/usr/bin", "ANDROID_HOME": str(tmp_path)})
    assert tools.path("aapt2") == str(tmp_path / "build-tools" / "34.0.0" / "aapt2")
