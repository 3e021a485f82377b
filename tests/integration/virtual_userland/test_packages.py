"""Installing, listing and removing packages through the stock client."""

from pathlib import Path

from tests.fixtures.data.apk import write_apk
from tests.fixtures.farm import FarmPhone, eventually


def test_the_trainer_comes_with_the_phone(stub_phone: FarmPhone) -> None:
    import harness

    text = stub_phone.sh("dumpsys package org.mobileasr.trainer")
    assert f"versionName={harness.__version__}\n" in text
    assert stub_phone.sh("pm list packages trainer") == "package:org.mobileasr.trainer\n"
    path = stub_phone.sh("pm path org.mobileasr.trainer").strip().removeprefix("package:")
    assert path.endswith("/base.apk")


def test_install_upgrade_downgrade_uninstall(stub_phone: FarmPhone, tmp_path: Path) -> None:
    name = "org.example.alpha"
    first = write_apk(
        tmp_path / "a.apk", name, version_code=7, version_name="7.1", padding=3_000_000,
        permissions=("android.permission.CAMERA",),
    )  # fmt: skip
    result = stub_phone.adb("install", "-g", str(first))
    assert b"Success" in result.stdout, result
    text = stub_phone.sh(f"dumpsys package {name}")
    assert "versionName=7.1\n" in text
    assert "versionCode=7 " in text
    assert "android.permission.CAMERA: granted=true" in text
    assert f"package:{name}\n" in stub_phone.sh("pm list packages -3")
    assert f"package:{name}\n" not in stub_phone.sh("pm list packages -s")
    older = write_apk(tmp_path / "b.apk", name, version_code=6, utf8=True)
    refused = stub_phone.adb("install", str(older))
    assert b"INSTALL_FAILED_VERSION_DOWNGRADE" in refused.stdout + refused.stderr
    assert refused.returncode != 0
    newer = write_apk(tmp_path / "c.apk", name, version_code=8, version_name="8", utf8=True)
    assert b"Success" in stub_phone.adb("install", "-r", str(newer)).stdout
    assert "versionName=8\n" in stub_phone.sh(f"dumpsys package {name}")
    assert b"Success" in stub_phone.adb("uninstall", name).stdout
    assert name not in stub_phone.sh("pm list packages")
    gone = stub_phone.adb("uninstall", name)
    assert gone.returncode != 0
    assert stub_phone.adb("shell", f"pm path {name}").returncode == 1
    assert f"Unable to find package: {name}" in stub_phone.sh(f"dumpsys package {name}")


def test_what_is_no_apk_or_needs_a_newer_android(stub_phone: FarmPhone, tmp_path: Path) -> None:
    junk = tmp_path / "junk.apk"
    junk.write_bytes(b"PK\x03\x04 not really")
    result = stub_phone.adb("install", str(junk))
    assert result.returncode != 0
    assert b"INSTALL_PARSE_FAILED_NOT_APK" in result.stdout + result.stderr
    future = write_apk(tmp_path / "future.apk", "org.example.future", min_sdk=99)
    result = stub_phone.adb("install", str(future))
    assert b"INSTALL_FAILED_OLDER_SDK" in result.stdout + result.stderr


def test_streamed_install_as_other_clients_do_it(stub_phone: FarmPhone, tmp_path: Path) -> None:
    apk = write_apk(tmp_path / "s.apk", "org.example.streamed", padding=200_000)
    size = apk.stat().st_size
    result = stub_phone.adb(
        "exec-in", f"cmd package 'install' '-r' -S {size}", stdin=apk.read_bytes()
    )
    assert result.returncode == 0
    wanted = "package:org.example.streamed\n"  # the client doesn't wait for the command's end
    eventually(lambda: wanted in stub_phone.sh("cmd package list packages"))
    path = stub_phone.sh("echo $ANDROID_DATA/local/tmp/s.apk").strip()
    stub_phone.phone.write_bytes(path, apk.read_bytes())
    assert stub_phone.sh(f"pm install -r -t {path}") == "Success\n"
    missing = stub_phone.adb("shell", "pm install /data/local/tmp/absent.apk")
    assert missing.returncode == 1
    assert b"Unable to open file" in missing.stderr
    stub_phone.sh("pm uninstall org.example.streamed")


def test_a_package_of_several_apks(stub_phone: FarmPhone, tmp_path: Path) -> None:
    name = "org.example.split"
    base = write_apk(tmp_path / "base.apk", name, version_name="5")
    split = write_apk(tmp_path / "split.apk", name, split="config.de")
    result = stub_phone.adb("install-multiple", str(split), str(base))
    assert result.returncode == 0, result
    assert "versionName=5\n" in stub_phone.sh(f"dumpsys package {name}")
    paths = stub_phone.sh(f"pm path {name}").split()
    assert [path.rpartition("/")[2] for path in paths] == ["base.apk", "split_config.de.apk"]
    newer_split = write_apk(tmp_path / "other.apk", name, split="config.de", version_code=9)
    for files in ((base, base), (split,), (base, newer_split)):
        result = stub_phone.adb("install-multiple", *(str(file) for file in files))
        assert result.returncode != 0
        assert b"INSTALL_FAILED_INVALID_APK" in result.stdout + result.stderr
    stub_phone.sh(f"pm uninstall {name}")


def test_native_code_for_another_processor(stub_phone: FarmPhone, tmp_path: Path) -> None:
    abi = stub_phone.sh("getprop ro.product.cpu.abi").strip()
    foreign_abi = "arm64-v8a" if abi == "x86_64" else "x86_64"
    foreign = write_apk(tmp_path / "foreign.apk", "org.example.native", abis=(foreign_abi,))
    result = stub_phone.adb("install", str(foreign))
    assert result.returncode != 0
    assert b"INSTALL_FAILED_NO_MATCHING_ABIS" in result.stdout + result.stderr
    both = write_apk(tmp_path / "both.apk", "org.example.native", abis=(foreign_abi, abi))
    assert stub_phone.adb("install", str(both)).returncode == 0
    stub_phone.sh("pm uninstall org.example.native")


def test_flags_of_install(stub_phone: FarmPhone, tmp_path: Path) -> None:
    name = "org.example.flags"
    test = write_apk(tmp_path / "t.apk", name, test_only=True, version_code=2)
    result = stub_phone.adb("install", str(test))
    assert b"INSTALL_FAILED_TEST_ONLY" in result.stdout + result.stderr
    assert stub_phone.adb("install", "-t", str(test)).returncode == 0
    older = write_apk(tmp_path / "o.apk", name, version_code=1)
    result = stub_phone.adb("install", str(older))
    assert b"INSTALL_FAILED_VERSION_DOWNGRADE" in result.stdout + result.stderr
    assert stub_phone.adb("install", "-d", str(older)).returncode == 0
    assert "versionCode=1 " in stub_phone.sh(f"dumpsys package {name}")
    stub_phone.do("disk_full", bytes=10)
    path = stub_phone.sh(f"pm path {name}").strip().removeprefix("package:")
    if not path.startswith(str(stub_phone.root)):
        path = stub_phone.sh("echo $ANDROID_DATA").strip() + path.removeprefix("/data")
    result = stub_phone.adb("shell", f"pm install {path}")
    assert b"INSTALL_FAILED_INSUFFICIENT_STORAGE" in result.stdout
    stub_phone.do("clear")
    stub_phone.sh(f"pm uninstall {name}")


def test_grant_and_revoke(stub_phone: FarmPhone) -> None:
    permission = "android.permission.POST_NOTIFICATIONS"
    stub_phone.sh(f"pm grant org.mobileasr.trainer {permission}")
    shown = stub_phone.sh("dumpsys package org.mobileasr.trainer")
    assert f"{permission}: granted=true" in shown
    stub_phone.sh(f"pm revoke org.mobileasr.trainer {permission}")
    shown = stub_phone.sh("dumpsys package org.mobileasr.trainer")
    assert f"{permission}: granted=true" not in shown
    assert stub_phone.adb("shell", f"pm grant org.absent {permission}").returncode == 255
