"""mobly: Android's own test lab library."""

import logging
import time
from pathlib import Path

from calls import APK, HERE, PACKAGE, SCRATCH, SERIAL, call, left_out, raises, run
from mobly.controllers import android_device
from mobly.controllers.android_device_lib import adb as adb_module
from mobly.controllers.android_device_lib import apk_utils

logging.log_path = str(SCRATCH / "logs")
devices = []


@call
def list_adb_devices():
    assert android_device.list_adb_devices() == [SERIAL]


@call
def create():
    devices.extend(android_device.create([{"serial": SERIAL}]))


@call
def serial():
    assert devices[0].serial == SERIAL


@call
def model():
    assert devices[0].model == "flame"


@call
def build_info():
    assert devices[0].build_info["build_version_sdk"] == "33"


@call
def device_info():
    assert devices[0].device_info["serial"] == SERIAL


@call
def is_rootable():
    assert devices[0].is_rootable is False


@call
def is_boot_completed():
    assert devices[0].is_boot_completed()


@call
def is_emulator():
    assert devices[0].is_emulator is False


@call
def shell():
    assert devices[0].adb.shell("echo hello") == b"hello\n"


@call
def shell_error():
    error = raises(adb_module.AdbError, devices[0].adb.shell, "echo no >&2; exit 3")
    assert (error.ret_code, error.stderr) == (3, b"no\n")


@call
def getprops():
    assert devices[0].adb.getprops(["ro.build.version.sdk"]) == {"ro.build.version.sdk": "33"}


@call
def has_shell_command():
    assert devices[0].adb.has_shell_command("pm")


@call
def push_and_pull():
    (SCRATCH / "file").write_bytes(b"x" * 70_000)
    devices[0].adb.push([str(SCRATCH / "file"), f"{HERE}/mobly"])
    devices[0].adb.pull([f"{HERE}/mobly", str(SCRATCH / "back")])
    assert (SCRATCH / "back").read_bytes() == b"x" * 70_000


@call
def install():
    apk_utils.install(devices[0], APK)
    assert apk_utils.is_apk_installed(devices[0], PACKAGE)


@call
def uninstall():
    apk_utils.uninstall(devices[0], PACKAGE)
    assert not apk_utils.is_apk_installed(devices[0], PACKAGE)


@call
def current_user_id():
    assert devices[0].adb.current_user_id == 0


@call
def forward():
    port = devices[0].adb.forward(["tcp:0", "tcp:5000"])
    assert int(port)


@call
def logcat():
    written = Path(devices[0].services.logcat.adb_logcat_file_path)
    devices[0].adb.shell("log -t FromTest seen by mobly")
    for _ in range(100):
        if "seen by mobly" in written.read_text():
            return
        time.sleep(0.1)
    raise AssertionError("not in the log")


@call
def take_screenshot():
    assert Path(devices[0].take_screenshot(str(SCRATCH))).stat().st_size > 0


@call
def take_bug_report():
    assert Path(devices[0].take_bug_report("judged", destination=str(SCRATCH))).stat().st_size > 0


@call
def dumpsys_by_tag():
    assert b"level" in devices[0].adb.shell("dumpsys battery")


@call
def reboot():
    devices[0].reboot()
    assert devices[0].is_boot_completed()


@call
def destroy():
    android_device.destroy(devices)


left_out("load_snippet", "a test app with instrumentation needs ART")
run()
