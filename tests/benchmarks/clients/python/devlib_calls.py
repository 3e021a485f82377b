"""devlib: Arm's client, below wlauto and LISA."""

import os
from pathlib import Path

import devlib
from calls import APK, PACKAGE, SCRATCH, SERIAL, call, left_out, raises, run

os.chdir(SCRATCH)
targets = []


def phone():
    return targets[0]


@call
def connect():
    targets.append(
        devlib.AndroidTarget(
            connection_settings={"device": SERIAL}, working_directory="/sdcard/devlib-target"
        )
    )


@call
def abi():
    assert phone().abi == "arm64" or phone().abi == "x86_64"


@call
def os_version():
    assert phone().os_version["sdk"] == "33"


@call
def is_rooted():
    assert phone().is_rooted is False


@call
def android_id():
    assert phone().android_id


@call
def model():
    assert phone().model == "flame"


@call
def screen_resolution():
    assert all(phone().screen_resolution)


@call
def cpuinfo():
    assert phone().cpuinfo.cpu_names


@call
def number_of_cpus():
    assert phone().number_of_cpus > 0


@call
def kernel_version():
    assert phone().kernel_version.release


@call
def execute():
    assert phone().execute("echo hello").strip() == "hello"


@call
def execute_error():
    error = raises(devlib.exception.TargetStableCalledProcessError, phone().execute, "exit 3")
    assert error.returncode == 3


@call
def push_and_pull():
    Path("there").write_bytes(os.urandom(100_000))
    phone().push("there", phone().get_workpath("file"))
    assert "file" in phone().list_directory(phone().working_directory)
    phone().pull(phone().get_workpath("file"), "back")
    assert Path("back").read_bytes() == Path("there").read_bytes()


@call
def busybox():
    assert phone().execute(f"{phone().busybox} echo from busybox").strip() == "from busybox"


@call
def ps():
    assert phone().ps()


@call
def get_pids_of():
    assert phone().get_pids_of("ps")


@call
def read_value():
    assert phone().read_value("/proc/sys/kernel/ostype") == "Linux"


@call
def read_tree_values():
    assert phone().read_tree_values("/sys/devices/system/cpu/cpu0/cpufreq", depth=1)


@call
def cpufreq_frequencies():
    assert phone().cpufreq.list_frequencies(0)


@call
def cpufreq_governors():
    assert phone().cpufreq.list_governors(0)


@call
def cpufreq_get_frequency():
    assert phone().cpufreq.get_frequency(0) > 0


@call
def install_and_uninstall():
    phone().install_apk(APK)
    assert phone().package_is_installed(PACKAGE)
    phone().uninstall_package(PACKAGE)
    assert not phone().package_is_installed(PACKAGE)


@call
def background():
    with phone().background("sleep 60") as running:
        assert running.poll() is None
        running.cancel()


@call
def logcat():
    phone().execute("log -t FromTest seen by devlib")
    phone().dump_logcat("log")
    assert "seen by devlib" in Path("log").read_text()


@call
def clear_logcat():
    phone().clear_logcat()


@call
def logcat_monitor():
    monitor = phone().get_logcat_monitor()
    monitor.start()
    phone().execute("log -t FromTest monitored")
    monitor.wait_for(".*monitored", timeout=20)
    monitor.stop()


@call
def screen():
    phone().ensure_screen_is_on()
    assert phone().is_screen_on()
    phone().ensure_screen_is_off()
    assert not phone().is_screen_on()
    phone().ensure_screen_is_on()


@call
def brightness():
    phone().set_brightness(100)
    assert phone().get_brightness() == 100


@call
def airplane_mode():
    assert phone().get_airplane_mode() is False


@call
def rotation():
    phone().set_auto_rotation(False)
    assert phone().get_auto_rotation() is False
    phone().set_rotation(1)
    assert phone().get_rotation() == 1
    phone().set_natural_rotation()


@call
def stay_on():
    phone().set_stay_on_mode(7)
    assert phone().get_stay_on_mode() == 7


@call
def input_tap():
    phone().input_tap(10, 10)


@call
def input_swipe():
    phone().input_swipe_pct(50, 80, 50, 20)


@call
def capture_screen():
    phone().capture_screen("screen.png")
    assert Path("screen.png").read_bytes()[1:4] == b"PNG"


@call
def capture_ui_hierarchy():
    phone().capture_ui_hierarchy("ui.xml")
    assert Path("ui.xml").read_text().rstrip().endswith("</hierarchy>")


@call
def homescreen():
    phone().ensure_screen_is_on()
    phone().homescreen()


@call
def is_network_connected():
    assert phone().is_network_connected() in (True, False)


@call
def reboot():
    phone().reboot()
    assert phone().execute("echo back").strip() == "back"


@call
def disconnect():
    phone().disconnect()


left_out("hotplug", "needs root")
left_out("perf, ftrace", "the host's kernel, no root")
run()
