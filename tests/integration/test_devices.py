"""Inventory, gates, settings, doctor, install and transfer on whole virtual phones."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.adb.errors import InstallFailed
from harness.adb.install import install, installed, uninstall
from harness.adb.phone import Phone
from harness.adb.server import AdbServer
from harness.adb.transfer import LocalFile, ensure_files
from harness.devices.capabilities import with_capabilities
from harness.devices.changes import Setting
from harness.devices.doctor import check_host, check_phones
from harness.devices.gate_wait import GateTimedOut, pass_gates, read_state
from harness.devices.gates import parse_gates
from harness.devices.gates.questions import BATTERY
from harness.devices.inventory import PhoneInfo, inventory
from harness.devices.settings_guard import SettingsGuard
from tests.fixtures.bare_phone import BarePhone
from tests.fixtures.command import Command
from tests.fixtures.data.apk import write_apk
from tests.fixtures.farm import FarmPhone


@pytest.fixture
def info(adb_server: AdbServer, stub_phone: FarmPhone) -> PhoneInfo:
    found = inventory(adb_server, only=[stub_phone.adb_serial])
    assert len(found) == 1
    return found[0]


@pytest.fixture
def phone(adb_server: AdbServer, info: PhoneInfo) -> Phone:
    return info.phone([adb_server])


def test_the_inventory_knows_a_virtual_phone(info: PhoneInfo, stub_phone: FarmPhone) -> None:
    assert (info.serial, info.adb_serial) == (stub_phone.serial, stub_phone.adb_serial)
    assert info.usable
    assert (info.profile, info.origin) == ("pixel-4", "virtual")
    assert info.isolation in ("userns", "none")
    assert info.host_wide
    assert info.idle_available_mb == 3072
    assert info.available_mb is not None
    assert 0 < info.available_mb <= 3072 < info.ram_total_mb < 6144
    assert (info.work_dir, info.proc_dir) == (stub_phone.work_dir, stub_phone.proc_dir)
    assert PhoneInfo.model_validate_json(info.model_dump_json()) == info


def test_files_arrive_where_the_phones_processes_find_them(
    phone: Phone, info: PhoneInfo, tmp_path: Path
) -> None:
    local = tmp_path / "m.tflite"
    local.write_bytes(b"model" * 1000)
    file = LocalFile.of(local)
    assert ensure_files(phone, info.work_dir, [file]).pushed_files == 1
    assert ensure_files(phone, info.work_dir, [file]).skipped_files == 1
    assert phone.run(["cat", file.on_phone(info.work_dir)]).raw == local.read_bytes()


def test_gates_read_the_phone(phone: Phone, info: PhoneInfo, stub_phone: FarmPhone) -> None:
    records = pass_gates(phone, info, parse_gates("strict"), limit_s=0)
    assert {record.outcome for record in records} == {"passed"}
    names = {record.name for record in records}
    assert {"booted", "trainer", "battery_c_max", "thermal_status_max", "power_save"} <= names
    stub_phone.do("battery", percent=12, celsius=46)
    try:
        with pytest.raises(GateTimedOut) as caught:
            pass_gates(phone, info, parse_gates("lab"), limit_s=0)
        failed = {record.name for record in caught.value.records if record.outcome == "failed"}
        assert failed == {"battery_percent_min", "battery_c_max"}
    finally:
        stub_phone.do("battery", percent=87, celsius=27)


def test_a_gate_opens_while_it_is_waited_for(
    phone: Phone, info: PhoneInfo, stub_phone: FarmPhone
) -> None:
    stub_phone.do("battery", percent=12)
    records = pass_gates(
        phone,
        info,
        parse_gates({"poll_s": 0.1}),
        limit_s=30,
        waiting=lambda *_: stub_phone.do("battery", percent=87),
    )
    waited = [record.name for record in records if record.outcome == "waited"]
    assert waited == ["battery_percent_min"]


def test_faked_batteries_are_seen(phone: Phone, info: PhoneInfo) -> None:
    phone.run("dumpsys battery set level 99")
    try:
        with pytest.raises(GateTimedOut, match="dumpsys battery reset"):
            pass_gates(phone, info, parse_gates("lab"), limit_s=30)
    finally:
        phone.run("dumpsys battery reset")
    battery = read_state(phone, info, [BATTERY]).of(BATTERY)
    assert battery is not None
    assert not battery.updates_stopped


PACKAGE = "org.mobileasr.trainer"
STATE = f"""
settings get global stay_on_while_plugged_in; settings get system screen_off_timeout
dumpsys battery | grep -c STOPPED; dumpsys deviceidle whitelist
cmd appops get {PACKAGE} RUN_ANY_IN_BACKGROUND; am get-standby-bucket {PACKAGE}
device_config get activity_manager max_phantom_processes; true"""
CHANGED = f"""15
2147483647
1
user,{PACKAGE},10000
RUN_ANY_IN_BACKGROUND: allow
10
2147483647
"""
HOST = """
import sys, time
from harness.adb.phone import Phone
from harness.adb.server import AdbServer
from harness.devices.preparing import Wishes, wanted_after_gates, wanted_before_gates
from harness.devices.settings_guard import SettingsGuard

phone = Phone(AdbServer.existing(sys.argv[1]), sys.argv[2])
wishes = Wishes(unplugged=True)
wanted = wanted_before_gates(wishes, "org.mobileasr.trainer", 33) + wanted_after_gates(wishes)
changed = SettingsGuard(phone, sys.argv[3]).change([change for _, change in wanted])
print(len(changed.made), len(changed.refused), flush=True)
time.sleep(600)
"""


def test_all_that_is_changed_comes_back_after_a_host_was_killed(
    adb_server: AdbServer, phone: Phone, info: PhoneInfo
) -> None:
    before = phone.query(STATE)
    arguments = [adb_server.address, info.adb_serial, info.work_dir]
    with subprocess.Popen(
        [sys.executable, "-c", HOST, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    ) as host:
        assert host.stdout is not None
        assert host.stdout.readline() == "7 0\n"
        host.send_signal(signal.SIGKILL)
    assert phone.query(STATE) == CHANGED
    found = {check.name: check for check in check_phones([adb_server], [info])}
    assert "harness doctor --clean" in found["settings"].advice
    assert found["battery"].outcome == "info", "the harness's own doing is no stranger's"
    # another host meets the phone
    notes = SettingsGuard(phone, info.work_dir).restore()
    assert len(notes) == 7
    assert phone.query(STATE) == before
    assert phone.stat(f"{info.work_dir}/restore.json") is None
    assert SettingsGuard(phone, info.work_dir).restore() == ()


def test_values_that_need_quoting_come_back_too(phone: Phone, info: PhoneInfo) -> None:
    phone.run(["settings", "put", "system", "mobileasr_odd", "it's $x;  \\n"])
    odd = Setting(namespace="system", key="mobileasr_odd", value="other")
    new = Setting(namespace="system", key="mobileasr_new", value='"')
    guard = SettingsGuard(phone, info.work_dir)
    assert guard.change([odd, new]).made == (odd, new)
    assert phone.query("settings get system mobileasr_new").strip() == '"'
    assert len(guard.restore()) == 2
    assert phone.query("settings get system mobileasr_odd").strip() == "it's $x;  \\n"
    assert phone.query("settings get system mobileasr_new").strip() == "null"


def test_a_dozing_phone_is_not_fit_until_it_wakes(phone: Phone, info: PhoneInfo) -> None:
    phone.run("dumpsys deviceidle force-idle")
    try:
        records = pass_gates(
            phone,
            info,
            parse_gates({"poll_s": 0.1}),
            limit_s=30,
            waiting=lambda *_: phone.run("dumpsys deviceidle unforce"),
        )
        assert [record.name for record in records if record.outcome == "waited"] == ["doze"]
    finally:
        phone.run("dumpsys deviceidle unforce")


def test_a_clock_that_jumped_is_seen(
    adb_server: AdbServer, phone: Phone, info: PhoneInfo, stub_phone: FarmPhone
) -> None:
    stub_phone.do("clock_jump", seconds=-7 * 86_400)
    try:
        with pytest.raises(GateTimedOut, match=r"clock_off_s_max: .* is 7 days behind"):
            pass_gates(phone, info, parse_gates({"mode": "fail"}))
        found = {check.name: check.outcome for check in check_phones([adb_server], [info])}
        assert found["clock"] == "warning"
    finally:
        stub_phone.do("clock_jump", off=True)
    records = pass_gates(phone, info, parse_gates("strict"), limit_s=0)
    assert {record.outcome for record in records} == {"passed"}


def test_the_phone_is_probed(adb_server: AdbServer, info: PhoneInfo) -> None:
    (found,) = with_capabilities([adb_server], [info])
    assert found.capabilities is not None
    can = found.capabilities.can
    works = {"write", "sha256sum", "tail", "touch", "df", "pidof", "meminfo", "other_stat"}
    works |= {"battery", "thermal", "deviceidle", "appops", "exit_info", "events_log"}
    assert works <= {name for name, it_does in can.items() if it_does}
    # the host has no battery of this name; a phone with a root of its own has
    assert can["battery_sysfs"] == (info.isolation == "userns"), "what is not there is not there"
    assert int(found.capabilities.said["clock_ticks"]) > 0
    assert int(found.capabilities.said["stat_bytes"]) > 0
    record = found.record()
    assert record.capabilities == found.capabilities
    assert PhoneInfo.model_validate_json(found.model_dump_json()) == found


def test_doctor_finds_a_virtual_phone_well(adb_server: AdbServer, info: PhoneInfo) -> None:
    checks = check_phones([adb_server], [info])
    assert {check.scope for check in checks} == {info.serial}
    # a virtual phone has no pressure stall figures and no battery in /sys, and says so
    assert {c.name for c in checks if c.outcome != "ok"} <= {"capabilities"}, checks
    names = {"connection", "trainer", "capabilities", "battery", "memory"}
    assert names <= {check.name for check in checks}


def test_doctor_says_what_is_wrong(adb_server: AdbServer, phone: Phone, info: PhoneInfo) -> None:
    phone.run("dumpsys battery set level 5")
    phone.run("settings put global low_power 1")
    try:
        found = {c.name: c for c in check_phones([adb_server], [info]) if c.outcome == "warning"}
        assert set(found) == {"battery", "power-save"}
        assert "dumpsys battery reset" in found["battery"].advice
    finally:
        phone.run("dumpsys battery reset; settings put global low_power 0")
    assert check_phones([adb_server], [])[0].outcome == "warning"


def test_doctor_knows_what_the_lab_has_written_of_its_phones(
    adb_server: AdbServer, info: PhoneInfo, harness_here: Command, tmp_path: Path
) -> None:
    (tmp_path / "phones.yaml").write_text(
        f"phones: {{{info.serial}: {{out_of_service: swollen}}, R58: {{alias: shelf-3}}}}\n"
    )
    done = harness_here("doctor", "--adb", adb_server.address)
    assert "note    in service: no: swollen" in done.stdout
    assert "WARNING connection: shelf-3 stands in the phones file" in done.stdout
    (tmp_path / "phones.yaml").write_text("phones: [R58]\n")
    assert harness_here("doctor", "--adb", adb_server.address).returncode == 2


def test_doctor_of_this_host() -> None:
    checks = {check.name: check for check in check_host()}
    assert checks["adb"].outcome == "ok"
    assert checks["packages"].outcome == "ok"
    assert checks["espeak-ng"].outcome == "ok"
    assert checks["profiles"].outcome == "ok"


def test_install_and_uninstall(phone: Phone, tmp_path: Path) -> None:
    package = "org.example.thing"
    assert installed(phone, package) is None
    install(
        phone, write_apk(tmp_path / "it's one.apk", package, version_code=3, version_name="1.2")
    )
    found = installed(phone, package)
    assert found is not None
    assert (found.version_name, found.version_code) == ("1.2", 3)
    install(phone, write_apk(tmp_path / "two.apk", package, version_code=4, version_name="1.3"))
    uninstall(phone, package)
    assert installed(phone, package) is None
    uninstall(phone, package)


def test_a_refused_install_says_why(phone: Phone, tmp_path: Path) -> None:
    apk = write_apk(tmp_path / "new.apk", "org.example.new", min_sdk=99)
    with pytest.raises(InstallFailed) as caught:
        install(phone, apk)
    assert caught.value.code == "INSTALL_FAILED_OLDER_SDK"
    assert "minSdkVersion" in caught.value.advice
    with pytest.raises(InstallFailed, match="No such file"):
        install(phone, tmp_path / "absent.apk")
    (tmp_path / "no.apk").write_bytes(b"not a zip")
    with pytest.raises(InstallFailed) as caught:
        install(phone, tmp_path / "no.apk")
    assert caught.value.code.startswith("INSTALL_")


def test_phones_that_cannot_be_used_are_listed_with_advice(
    adb_server: AdbServer, make_bare_phone: Callable[..., BarePhone]
) -> None:
    locked = make_bare_phone(connect=False)
    locked.thread.call(lambda: setattr(locked.faults, "unauthorized", True))
    adb_server.adb("connect", locked.address)
    dead = make_bare_phone()
    dead.thread.call(lambda: setattr(dead.faults, "delay_s", 60.0))
    found = {
        phone.adb_serial: phone
        for phone in inventory(adb_server, only=[locked.address, dead.address], timeout_s=0.5)
    }
    assert found[locked.address].state == "unauthorized"
    assert "accept" in found[locked.address].advice
    assert found[dead.address].state == "unresponsive"
    assert not any(phone.usable for phone in found.values())
    checks = check_phones([adb_server], list(found.values()))
    assert [check.outcome for check in checks] == ["problem", "problem"]
    assert all(check.advice for check in checks)
