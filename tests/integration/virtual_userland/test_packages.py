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
    done = stub_phone.adb("install", "-g", str(first))
    assert b"Success" in done.stdout, done
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
    done = stub_phone.adb("install", str(junk))
    assert done.returncode != 0
    assert b"INSTALL_PARSE_FAILED_NOT_APK" in done.stdout + done.stderr
    future = write_apk(tmp_path / "future.apk", "org.example.future", min_sdk=99)
    done = stub_phone.adb("install", str(future))
    assert b"INSTALL_FAILED_OLDER_SDK" in done.stdout + done.stderr


def test_streamed_install_as_other_clients_do_it(stub_phone: FarmPhone, tmp_path: Path) -> None:
    apk = write_apk(tmp_path / "s.apk", "org.example.streamed", padding=200_000)
    size = apk.stat().st_size
    done = stub_phone.adb(
        "exec-in", f"cmd package 'install' '-r' -S {size}", stdin=apk.read_bytes()
    )
    assert done.returncode == 0
    wanted = "package:org.example.streamed\n"  # the client doesn't wait for the command's end
    eventually(lambda: wanted in stub_phone.sh("cmd package list packages"))
    path = stub_phone.sh("echo $ANDROID_DATA/local/tmp/s.apk").strip()
    stub_phone.phone.push_file(apk, path)
    assert stub_phone.sh(f"pm install -r -t {path}") == "Success\n"
    missing = stub_phone.adb("shell", "pm install /data/local/tmp/absent.apk")
    assert missing.returncode == 1
    assert b"Unable to open file" in missing.stderr
    stub_phone.sh("pm uninstall org.example.streamed")


def test_install_in_a_session(stub_phone: FarmPhone, tmp_path: Path) -> None:
    base = write_apk(tmp_path / "base.apk", "org.example.split", version_name="5")
    split = write_apk(tmp_path / "split.apk", "org.example.split")
    done = stub_phone.adb("install-multiple", str(base), str(split))
    assert done.returncode == 0, done
    assert "versionName=5\n" in stub_phone.sh("dumpsys package org.example.split")
    stub_phone.sh("pm uninstall org.example.split")


def test_grant_and_revoke(stub_phone: FarmPhone) -> None:
    permission = "android.permission.POST_NOTIFICATIONS"
    stub_phone.sh(f"pm grant org.mobileasr.trainer {permission}")
    shown = stub_phone.sh("dumpsys package org.mobileasr.trainer")
    assert f"{permission}: granted=true" in shown
    stub_phone.sh(f"pm revoke org.mobileasr.trainer {permission}")
    shown = stub_phone.sh("dumpsys package org.mobileasr.trainer")
    assert f"{permission}: granted=true" not in shown
    assert stub_phone.adb("shell", f"pm grant org.absent {permission}").returncode == 255
