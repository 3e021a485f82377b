"""uiautomator2, as far as it goes without its server on the phone (Java code, which needs ART)."""

import uiautomator2
from calls import APK, HERE, PACKAGE, SCRATCH, SERIAL, call, left_out, run

uiautomator2.core.BasicUiautomatorServer.start_uiautomator = lambda _: None
device = uiautomator2.connect(SERIAL)


@call
def connect():
    assert device.serial == SERIAL


@call
def shell():
    answer = device.shell(["echo", "hello"])
    assert (answer.output, answer.exit_code) == ("hello\n", 0)


@call
def shell_error():
    assert device.shell("(exit 3)").exit_code == 3


@call
def device_info():
    assert device.device_info["model"] == "Pixel 4"


@call
def window_size():
    assert all(device.window_size())


@call
def push_and_pull():
    (SCRATCH / "file").write_bytes(b"u2" * 50_000)
    device.push(str(SCRATCH / "file"), f"{HERE}/u2")
    device.pull(f"{HERE}/u2", str(SCRATCH / "back"))
    assert (SCRATCH / "back").read_bytes() == b"u2" * 50_000


@call
def app_install():
    device.app_install(APK)
    assert PACKAGE in device.app_list()


@call
def app_info():
    info = device.app_info(PACKAGE)
    assert (info["versionName"], info["versionCode"]) == ("1.5", 1)


@call
def app_clear():
    device.app_clear(PACKAGE)


@call
def app_uninstall():
    assert device.app_uninstall(PACKAGE)


@call
def app_start():
    device.app_start("com.android.settings", use_monkey=True)
    assert device.app_wait("com.android.settings", timeout=10)


@call
def app_start_by_activity():
    device.app_start("com.android.settings", ".Settings", wait=True)


@call
def app_current():
    assert device.app_current()["package"] == "com.android.settings"


@call
def app_list_running():
    assert isinstance(device.app_list_running(), list)


@call
def app_stop():
    device.app_stop("com.android.settings")


@call
def wlan_ip():
    assert device.wlan_ip


@call
def keyevent():
    device.keyevent("home")


@call
def screenshot():
    assert device.adb_device.screenshot().size[0] > 0


@call
def deploy_of_the_server():
    # what it does before it starts the server: the file is there, by its hash
    device._setup_jar()
    assert device.shell("ls /data/local/tmp/u2.jar").exit_code == 0


left_out("start_uiautomator", "app_process: Java code on the phone needs ART")
left_out("dump_hierarchy", "by the server, which needs ART")
run()
