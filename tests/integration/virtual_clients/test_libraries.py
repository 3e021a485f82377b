"""Libraries for phones that nobody here wrote take a virtual phone for a phone."""

import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from harness.adb.server import AdbServer
from tests.fixtures.clients import NO_DEVLIB
from tests.fixtures.data.apk import write_apk
from tests.fixtures.farm import FarmPhone

_DEVLIB = Path(__file__).parents[2] / "fixtures/data/devlib_client.py"


def _apk(folder: Path) -> Path:
    """Return an APK: devlib ships one that Android's own tools made; one of ours without it."""
    spec = importlib.util.find_spec("devlib")
    if spec is None or spec.origin is None:
        return write_apk(folder / "netstats.apk", "com.arm.devlib.netstats")
    return Path(spec.origin).parent / "instrument/netstats/netstats.apk"


def test_mobly(
    client_phone: FarmPhone, lab_tools: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    android_device = pytest.importorskip("mobly.controllers.android_device")
    adb_module = pytest.importorskip("mobly.controllers.android_device_lib.adb")
    apk_utils = pytest.importorskip("mobly.controllers.android_device_lib.apk_utils")
    monkeypatch.setattr("logging.log_path", str(tmp_path / "logs"), raising=False)
    (device,) = android_device.create([{"serial": client_phone.adb_serial}])
    try:
        assert device.serial == client_phone.adb_serial
        assert device.model == "flame"
        assert device.build_info["build_version_sdk"] == "33"
        assert device.is_rootable is False
        assert device.is_boot_completed()
        assert device.services.logcat.is_alive
        assert device.adb.shell("echo hello") == b"hello\n"
        with pytest.raises(adb_module.AdbError) as caught:
            device.adb.shell("echo no >&2; exit 3")
        assert (caught.value.ret_code, caught.value.stderr) == (3, b"no\n")
        (tmp_path / "there").write_bytes(b"x" * 70_000)
        device.adb.push([str(tmp_path / "there"), "/data/local/tmp/mobly"])
        device.adb.pull(["/data/local/tmp/mobly", str(tmp_path / "back")])
        assert (tmp_path / "back").read_bytes() == b"x" * 70_000
        apk_utils.install(device, str(_apk(tmp_path)))
        assert apk_utils.is_apk_installed(device, "com.arm.devlib.netstats")
        apk_utils.uninstall(device, "com.arm.devlib.netstats")
        assert not apk_utils.is_apk_installed(device, "com.arm.devlib.netstats")
        old = write_apk(tmp_path / "new.apk", "org.example.mobly", min_sdk=99)
        with pytest.raises(adb_module.AdbError, match="INSTALL_FAILED_OLDER_SDK"):
            apk_utils.install(device, str(old))
        written = Path(device.services.logcat.adb_logcat_file_path)
        client_phone.sh("log -t FromTest seen by mobly")
        end = time.monotonic() + 20
        while "seen by mobly" not in written.read_text() and time.monotonic() < end:
            time.sleep(0.1)
        device.services.logcat.pause()
        assert "seen by mobly" in written.read_text()
    finally:
        android_device.destroy([device])


def test_mozdevice(
    client_phone: FarmPhone, adb_server: AdbServer, lab_tools: Path, tmp_path: Path
) -> None:
    mozdevice = pytest.importorskip("mozdevice")
    device: Any = mozdevice.ADBDeviceFactory(
        device=client_phone.adb_serial, adb_port=adb_server.port, use_root=False
    )
    assert device.version == 33
    assert device.get_prop("ro.product.model") == "Pixel 4"
    assert device.shell_output("echo hello") == "hello"
    with pytest.raises(mozdevice.ADBProcessError, match="exitcode: 3"):
        device.shell_output("exit 3")
    assert (device.shell_bool("true"), device.shell_bool("false")) == (True, False)
    client_phone.do("battery", percent=64)
    assert device.get_battery_percentage() == 64.0
    client_phone.do("battery", percent=87)
    # mksh runs the last command in its own place, so that there need be no sh
    assert "ps" in {name for _, name, _ in device.get_process_list()}
    assert device.process_exist("system_server")
    info = device.get_info()
    assert info["uptime"]
    assert "org.mobileasr.trainer" in client_phone.sh("pm list packages")
    (tmp_path / "there").write_text("hello")
    device.push(str(tmp_path / "there"), f"{device.test_root}/file")
    assert device.is_file(f"{device.test_root}/file")
    assert device.get_file(f"{device.test_root}/file") == b"hello"
    device.pull(f"{device.test_root}/file", str(tmp_path / "back"))
    assert (tmp_path / "back").read_text() == "hello"
    device.rm(f"{device.test_root}/file")
    assert not device.exists(f"{device.test_root}/file")
    device.install_app(str(_apk(tmp_path)))
    assert device.is_app_installed("com.arm.devlib.netstats")
    device.uninstall_app("com.arm.devlib.netstats")
    device.clear_logcat()
    client_phone.sh("log -t FromTest seen by mozdevice")
    assert any("seen by mozdevice" in line for line in device.get_logcat())
    local = device.forward("tcp:0", "tcp:5000")
    assert [entry[1] for entry in device.list_forwards()] == [f"tcp:{local}"]
    device.remove_forwards()


def test_devlib(client_phone: FarmPhone, lab_tools: Path, tmp_path: Path) -> None:
    if importlib.util.find_spec("devlib") is None:
        pytest.skip(NO_DEVLIB)
    result = subprocess.run(
        [sys.executable, str(_DEVLIB), client_phone.adb_serial, str(_apk(tmp_path))],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    seen = json.loads(result.stdout.splitlines()[-1])
    assert "sh" in seen.pop("processes")
    assert seen == {
        "abi": client_phone.sh("getprop ro.product.cpu.abi").strip(),
        "sdk": "33",
        "rooted": False,
        "android_id": client_phone.sh("settings get secure android_id").strip(),
        "echo": "hello",
        "code": 3,
        "listed": True,
        "same": True,
        "busybox": "from busybox",
        "kernel": "Linux",
        "installed": True,
        "still_installed": False,
        "running": True,
        "logged": True,
    }
