"""adb-shell over TCP: speaks to adbd itself, without an adb server (Home Assistant's client)."""

import os
import time

from adb_shell.adb_device import AdbDeviceTcp
from adb_shell.auth.keygen import keygen
from adb_shell.auth.sign_pythonrsa import PythonRSASigner
from adb_shell.exceptions import AdbCommandFailureException
from calls import APK, HERE, PHONE_PORT, SCRATCH, call, raises, run

device = AdbDeviceTcp("127.0.0.1", PHONE_PORT, default_transport_timeout_s=10)
body = bytes(range(256)) * 1000


@call
def connect():
    assert device.connect()
    assert device.available


@call
def shell():
    assert device.shell("echo here") == "here\n"


@call
def shell_bytes():
    assert device.shell("printf '\\377\\n'", decode=False) == b"\xff\n"


@call
def shell_of_many_bytes():
    assert len(device.shell("head -c 3000000 /dev/zero | tr '\\0' x")) == 3_000_000


@call
def exec_out():
    assert device.exec_out("printf 'a\\nb\\n'", decode=False) == b"a\nb\n"


@call
def streaming_shell():
    lines = device.streaming_shell("while echo again; do sleep 0.1; done")
    assert next(lines).strip() == "again"
    lines.close()
    assert device.shell("echo next") == "next\n"


@call
def push():
    (SCRATCH / "file").write_bytes(body)
    device.push(str(SCRATCH / "file"), f"{HERE}/shell-file")


@call
def push_folder():
    (SCRATCH / "folder").mkdir()
    (SCRATCH / "folder/one").write_text("1")
    os.chdir(SCRATCH / "folder")  # 0.4.4 names the files of a folder without it
    device.push(str(SCRATCH / "folder"), f"{HERE}/shell-folder")
    assert device.shell(f"cat {HERE}/shell-folder/one") == "1"


@call
def stat():
    mode, size, _ = device.stat(f"{HERE}/shell-file")
    assert (mode >> 12, size) == (0o10, len(body))
    assert device.stat(f"{HERE}/nothing") == (0, 0, 0)


@call
def list_folder():
    names = {bytes(entry.filename) for entry in device.list(HERE)}
    assert {b".", b"..", b"shell-file"} <= names


@call
def pull():
    device.pull(f"{HERE}/shell-file", str(SCRATCH / "back"))
    assert (SCRATCH / "back").read_bytes() == body


@call
def pull_of_nothing():
    raises(AdbCommandFailureException, device.pull, f"{HERE}/nothing", str(SCRATCH / "none"))


@call
def pull_of_proc():
    device.pull("/proc/meminfo", str(SCRATCH / "meminfo"))
    assert b"MemAvailable" in (SCRATCH / "meminfo").read_bytes()


@call
def push_of_system():
    raises(Exception, device.push, APK, "/system/bin/getprop")
    assert device.shell("getprop ro.product.model").strip() == "Pixel 4"


@call
def root_of_a_user_build():
    device.root()


@call
def after_all_of_this():
    assert device.shell("echo still") == "still\n"


@call
def reboot():
    device.reboot()


@call
def connect_with_a_key():
    device.close()
    keygen(str(SCRATCH / "key"))
    signer = PythonRSASigner((SCRATCH / "key.pub").read_text(), (SCRATCH / "key").read_text())
    for _ in range(200):
        other = AdbDeviceTcp("127.0.0.1", PHONE_PORT, default_transport_timeout_s=10)
        try:
            other.connect(rsa_keys=[signer], auth_timeout_s=5)
        except OSError:
            time.sleep(0.1)
        else:
            break
    assert other.shell("echo again") == "again\n"
    other.close()


run()
