"""mozdevice: Mozilla's client, of the labs of Firefox."""

import mozdevice
from calls import APK, PACKAGE, SCRATCH, SERIAL, SERVER_PORT, call, left_out, raises, run

device = mozdevice.ADBDeviceFactory(device=SERIAL, adb_port=SERVER_PORT, use_root=False)


@call
def version():
    assert device.version == 33


@call
def host_devices():
    host = mozdevice.ADBHost(adb_port=SERVER_PORT)
    assert [row["device_serial"] for row in host.devices()] == [SERIAL]


@call
def get_prop():
    assert device.get_prop("ro.product.model") == "Pixel 4"


@call
def shell_output():
    assert device.shell_output("echo hello") == "hello"


@call
def shell_bool():
    assert (device.shell_bool("true"), device.shell_bool("false")) == (True, False)


@call
def shell_error():
    error = raises(mozdevice.ADBProcessError, device.shell_output, "exit 3")
    assert "exitcode: 3" in str(error)


@call
def get_info():
    info = device.get_info()
    assert info["uptime"]
    assert info["id"]


@call
def get_battery_percentage():
    assert 0 < device.get_battery_percentage() <= 100


@call
def power_on():
    device.power_on()


@call
def process_list():
    assert "ps" in {name for _, name, _ in device.get_process_list()}


@call
def process_exist():
    assert device.process_exist("system_server")


@call
def files():
    (SCRATCH / "file").write_text("hello")
    device.push(str(SCRATCH / "file"), f"{device.test_root}/file")
    assert device.is_file(f"{device.test_root}/file")
    assert device.get_file(f"{device.test_root}/file") == b"hello"
    device.pull(f"{device.test_root}/file", str(SCRATCH / "back"))
    assert (SCRATCH / "back").read_text() == "hello"
    device.mv(f"{device.test_root}/file", f"{device.test_root}/moved")
    device.cp(f"{device.test_root}/moved", f"{device.test_root}/copied")
    assert {"moved", "copied"} <= set(device.ls(device.test_root))
    device.rm(f"{device.test_root}/moved")
    assert not device.exists(f"{device.test_root}/moved")


@call
def folders():
    device.mkdir(f"{device.test_root}/a/b", parents=True)
    assert device.is_dir(f"{device.test_root}/a/b")
    device.chmod(f"{device.test_root}/a", recursive=True)
    device.rmdir(f"{device.test_root}/a/b")


@call
def push_folder():
    (SCRATCH / "tree/deep").mkdir(parents=True)
    (SCRATCH / "tree/deep/file").write_text("1")
    device.push(str(SCRATCH / "tree"), f"{device.test_root}/tree")
    assert device.exists(f"{device.test_root}/tree/deep/file")


@call
def install_app():
    device.install_app(APK)
    assert device.is_app_installed(PACKAGE)


@call
def grant_runtime_permissions():
    device.grant_runtime_permissions(PACKAGE)


@call
def launch_application():
    device.launch_application(
        "com.android.settings", ".Settings", "android.intent.action.MAIN", wait=True
    )


@call
def get_top_activity():
    assert device.get_top_activity(timeout=10) == "com.android.settings"


@call
def stop_application():
    device.stop_application("com.android.settings")


@call
def uninstall_app():
    device.uninstall_app(PACKAGE)
    assert not device.is_app_installed(PACKAGE)


@call
def logcat():
    device.clear_logcat()
    device.shell_output("log -t FromTest seen by mozdevice")
    assert any("seen by mozdevice" in line for line in device.get_logcat())


@call
def forward():
    local = device.forward("tcp:0", "tcp:5000")
    assert [row[1] for row in device.list_forwards()] == [f"tcp:{local}"]
    device.remove_forwards()


@call
def reverse():
    device.reverse("tcp:5001", "tcp:5002")
    device.remove_socket_connections("reverse")


@call
def reboot():
    device.reboot()
    assert device.shell_output("echo back") == "back"


left_out("get_ip_address", "asks rooted phones only")
run()
