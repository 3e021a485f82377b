"""pure-python-adb: the client of many monitoring scripts."""

from calls import APK, HERE, PACKAGE, SCRATCH, SERIAL, SERVER_PORT, call, left_out, raises, run
from ppadb.client import Client

client = Client("127.0.0.1", SERVER_PORT)
device = client.device(SERIAL)
body = bytes(range(256)) * 1000


@call
def version():
    assert client.version() > 30


@call
def features():
    assert "shell_v2" in client.features()


@call
def devices():
    assert [one.serial for one in client.devices()] == [SERIAL]


@call
def devices_by_state():
    assert [one.serial for one in client.devices("device")] == [SERIAL]


@call
def shell():
    assert device.shell("echo hello") == "hello\n"


@call
def shell_with_handler():
    got = []

    def handler(connection):
        got.append(connection.read_all())
        connection.close()

    device.shell("echo streamed", handler=handler)
    assert bytes(got[0]) == b"streamed\n"


@call
def get_serial_no():
    assert device.get_serial_no()


@call
def get_state():
    assert device.get_state() == "device"


@call
def get_device_path():
    device.get_device_path()


@call
def get_properties():
    assert device.get_properties()["ro.product.model"] == "Pixel 4"


@call
def list_features():
    assert "android.hardware.touchscreen" in device.list_features()


@call
def list_packages():
    assert "com.android.settings" in device.list_packages()


@call
def push():
    (SCRATCH / "file").write_bytes(body)
    device.push(str(SCRATCH / "file"), f"{HERE}/pp")


@call
def pull():
    device.pull(f"{HERE}/pp", str(SCRATCH / "back"))
    assert (SCRATCH / "back").read_bytes() == body


@call
def install():
    assert device.install(APK)
    assert device.is_installed(PACKAGE)


@call
def get_package_version_name():
    assert device.get_package_version_name(PACKAGE) == "1.5"


@call
def clear():
    device.clear(PACKAGE)


@call
def uninstall():
    assert device.uninstall(PACKAGE)
    assert not device.is_installed(PACKAGE)


@call
def cpu_times():
    times = device.cpu_times()
    assert times.total() > 0


@call
def cpu_count():
    assert device.cpu_count() > 0


@call
def cpu_percent():
    assert device.cpu_percent(0.5) >= 0


@call
def get_pid():
    assert device.get_pid("system_server")


@call
def get_meminfo():
    device.shell("am start -n com.android.settings/.Settings")
    assert device.get_meminfo("com.android.settings").pss > 0


@call
def get_top_activity():
    device.shell("am start -a android.intent.action.MAIN -c android.intent.category.HOME")
    assert device.get_top_activity().package


@call
def get_top_activities():
    assert device.get_top_activities()


@call
def get_uid():
    assert device.get_uid("com.android.systemui")


@call
def wm_size():
    assert device.wm_size().width > 0


@call
def wm_density():
    assert device.wm_density() > 0


@call
def get_battery_level():
    assert 0 < device.get_battery_level() <= 100


@call
def input_keyevent():
    device.input_keyevent("KEYCODE_HOME")


@call
def input_tap_and_swipe():
    device.input_tap(10, 10)
    device.input_swipe(10, 10, 20, 20, 50)


@call
def input_text():
    device.input_text("hello")


@call
def forward():
    device.forward("tcp:31337", "tcp:31338")
    assert device.list_forward() == {"tcp:31337": "tcp:31338"}
    device.killforward("tcp:31337")


@call
def screencap():
    assert bytes(device.screencap()[1:4]) == b"PNG"


@call
def root_of_a_user_build():
    raises(RuntimeError, device.root)


@call
def reboot():
    device.reboot()
    device.wait_boot_complete(timeout=30)


left_out("reverse", "0.3.0 asks with a colon where adbd wants a semicolon; a phone refuses it too")
run()
