"""Gates: what opens them, what is waited for, and what is said when they stay shut."""

import threading
from typing import Any

import pytest

from harness.devices.gate_wait import GateTimedOut, pass_gates
from harness.devices.gates import GATE_NAMES, Answers, Gates, parse_gates, preset
from harness.devices.gates.judged import declared_gates
from harness.devices.gates.judged.idle import PIDS
from harness.devices.gates.judged.screen import SCREEN
from harness.devices.gates.questions import (
    AVAILABLE_MB,
    BATTERY,
    BOOTED,
    FREE_STORAGE_MB,
    POWER_SAVE,
    TRAINER_VERSION,
)
from harness.devices.gates.state import judge, parse_state, questions_of, state_command
from harness.devices.inventory import PhoneInfo
from harness.errors import InputError

FAKED = "  (UPDATES STOPPED -- use 'reset' to restart)\n"
BATTERY_TEXT = """\
Current Battery Service state:
{faked}  AC powered: false
  USB powered: {usb}
  Wireless powered: false
  status: 3
  level: {level}
  scale: 100
  temperature: {tenths}
"""


def answer(
    *,
    booted: str = "1",
    unlocked: str = "true",
    level: int = 90,
    usb: str = "false",
    tenths: int = 270,
    faked: str = "",
    thermal: str = "Thermal Status: 0\n",
    available_kb: int = 3_000_000,
    free_kb: int = 9_000_000,
    wake: str = "Awake",
    low_power: str = "0",
    version: str = "    versionName=0.1.0\n",
    pids: str = "",
    clock: str = "1700000000",
    doze: str = "ACTIVE\nACTIVE",
) -> str:
    battery = BATTERY_TEXT.format(level=level, usb=usb, tenths=tenths, faked=faked)
    blocks = {
        "clock": f"{clock}\n",
        "boot": f"{booted}\n",
        "unlocked": f"{unlocked}\n",
        "battery": battery,
        "thermal": thermal,
        "meminfo": f"MemTotal: 8000000 kB\nMemAvailable: {available_kb} kB\n",
        "storage": "Filesystem 1K-blocks Used Available Use% Mounted on\n"
        f"/dev/block/dm-5 99000000 1 {free_kb} 3% /data\n",
        "power": f"  mWakefulness={wake}\n",
        "doze": f"{doze}\n",
        "low_power": f"{low_power}\n",
        "package": version,
        "pids": f"{pids}\n",
    }
    return "".join(f"\n#mobileasr-gate {name}\n{body}" for name, body in blocks.items())


NOW = 1_700_000_000.0
NOTHING = {gate.name: gate.nothing for gate in declared_gates()}


def shut(gates: Gates, text: str, idle_mb: float | None = None) -> list[str]:
    state = parse_state(text, (NOW, NOW + 0.5), idle_mb)
    return [verdict.name for verdict in judge(gates, state) if verdict.open is False]


def test_the_state_is_read() -> None:
    state = parse_state(answer(pids="12 13", usb="true", wake="Asleep", low_power="1"))
    assert state.of(BOOTED)
    battery = state.of(BATTERY)
    assert battery is not None
    assert (battery.percent, battery.plugged) == (90.0, True)
    assert state.of(AVAILABLE_MB) == pytest.approx(2929.7, abs=0.1)
    assert state.of(FREE_STORAGE_MB) == pytest.approx(8789.1, abs=0.1)
    assert (state.of(SCREEN), state.of(POWER_SAVE)) == ("off", True)
    assert (state.of(TRAINER_VERSION), state.of(PIDS)) == ("0.1.0", (12, 13))


@pytest.mark.parametrize("text", ["", "rubbish", "\n#mobileasr-gate battery\nCan't find service\n"])
def test_what_the_phone_does_not_say_is_none(text: str) -> None:
    state = parse_state(text)
    assert {state.of(question) for gate in declared_gates() for question in gate.asks} == {None}


def test_screen_from_the_display_line() -> None:
    text = "\n#mobileasr-gate power\nDisplay Power: state={}\n"
    for state, screen in (("ON", "on"), ("OFF", "off"), ("DOZE_SUSPEND", "always-on display")):
        assert parse_state(text.format(state)).of(SCREEN) == screen


@pytest.mark.parametrize(
    ("lines", "screen"),
    [
        ("  mWakefulness=Awake\nDisplay Power: state=ON\n", "on"),
        ("  mWakefulness=Asleep\nDisplay Power: state=OFF\n", "off"),
        ("  mWakefulness=Dozing\nDisplay Power: state=DOZE\n", "always-on display"),
        ("  mWakefulness=Dozing\nDisplay Power: state=OFF\n", "off"),
        ("  mWakefulness=Dozing\n", "always-on display"),
        ("  mWakefulness=Dreaming\nDisplay Power: state=ON\n", "screensaver"),
        ("  getWakefullnessLocked()=Awake\n", "on"),
        ("  getWakefulnessLocked()=Asleep\n", "off"),
    ],
)
def test_only_a_screen_that_shows_nothing_is_dark(lines: str, screen: str) -> None:
    state = parse_state(f"\n#mobileasr-gate power\n{lines}")
    assert state.of(SCREEN) == screen
    for wanted, as_wanted in ((True, "on"), (False, "off")):
        (verdict,) = judge(Gates(**{**NOTHING, "screen_on": wanted}), state)
        assert verdict.open is (screen == as_wanted), verdict


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("true\n\n", True),
        ("false\n\n", False),
        ("\n    State: RUNNING_UNLOCKED\n", True),
        ("\n    State: RUNNING_LOCKED\n", False),
        ("\n  mStartedUsers: 0: state=RUNNING_UNLOCKING\n", False),
        ("\n\n", None),
    ],
)
def test_a_phone_that_nobody_unlocked_is_shut(lines: str, expected: bool | None) -> None:
    state = parse_state(f"\n#mobileasr-gate unlocked\n{lines}")
    (verdict,) = judge(Gates(**{**NOTHING, "unlocked": True}), state)
    assert verdict.open is expected
    assert ("PIN" in verdict.detail) is (expected is False)


@pytest.mark.parametrize(
    ("gates", "changes", "expected"),
    [
        (Gates(), {}, []),
        (Gates(), {"booted": ""}, ["booted"]),
        (Gates(), {"unlocked": "false"}, ["unlocked"]),
        (Gates(), {"version": ""}, ["trainer"]),
        (Gates(trainer_version="0.2*"), {}, ["trainer_version"]),
        (Gates(trainer_version="0.1*"), {}, []),
        (Gates(), {"pids": "77"}, ["idle"]),
        (Gates(), {"level": 29}, ["battery_percent_min"]),
        (Gates(), {"level": 30}, []),
        (
            Gates(),
            {"faked": FAKED},
            ["battery_measured"],
        ),
        (Gates(charging=True), {}, ["charging"]),
        (Gates(charging=False), {"usb": "true"}, ["charging"]),
        (Gates(), {"tenths": 421}, ["battery_c_max"]),
        (Gates(), {"thermal": "Thermal Status: 2\n"}, ["thermal_status_max"]),
        (Gates(), {"free_kb": 1000}, ["free_storage_mb_min"]),
        (Gates(available_mb_min=3000), {}, ["available_mb_min"]),
        (Gates(available_percent_of_idle_min=70), {}, ["available_percent_of_idle_min"]),
        (Gates(available_percent_of_idle_min=70), {"available_kb": 3_700_000}, []),
        (Gates(), {"low_power": "1"}, ["power_save"]),
        (Gates(), {"low_power": "null"}, []),
        (Gates(screen_on=False), {}, ["screen_on"]),
        (Gates(), {"doze": "IDLE\nOVERRIDE"}, ["doze"]),
        (Gates(), {"doze": "INACTIVE\nIDLE"}, ["doze"]),
        (Gates(), {"doze": "INACTIVE\nINACTIVE"}, []),
        (Gates(), {"doze": "Can't find service: deviceidle"}, []),
        (Gates(doze=True), {}, ["doze"]),
        (Gates(), {"clock": "1700000301"}, ["clock_off_s_max"]),
        (Gates(), {"clock": "1699999698"}, ["clock_off_s_max"]),
        (Gates(), {"clock": "1699999699"}, []),
        (Gates(), {"clock": "86400"}, ["clock_off_s_max"]),
        (Gates(), {"clock": "date: not found"}, []),
        (
            preset("strict"),
            {"level": 79, "tenths": 351, "available_kb": 5_000_000},
            ["battery_percent_min", "battery_c_max"],
        ),
        (
            preset("off"),
            {
                "level": 1,
                "pids": "7",
                "version": "",
                "low_power": "1",
                "doze": "IDLE\nIDLE",
                "clock": "9",
            },
            [],
        ),
    ],
)
def test_gates(gates: Gates, changes: dict[str, Any], expected: list[str]) -> None:
    assert shut(gates, answer(**changes), idle_mb=5000.0) == expected


DEMANDS_ALL: dict[str, Any] = {
    "booted": True,
    "unlocked": True,
    "trainer": True,
    "trainer_version": "9.*",
    "idle": True,
    "battery_percent_min": 95,
    "battery_measured": True,
    "charging": True,
    "battery_c_max": 20,
    "thermal_status_max": 0,
    "free_storage_mb_min": 1e6,
    "available_mb_min": 1e6,
    "available_percent_of_idle_min": 99,
    "power_save": False,
    "screen_on": True,
    "doze": False,
    "clock_off_s_max": 1,
}
"""A demand of each gate that the phone below does not meet."""
UNFIT = answer(
    booted="0",
    unlocked="false",
    version="",
    pids="7",
    faked=FAKED,
    thermal="Thermal Status: 3\n",
    low_power="1",
    wake="Dozing",
    doze="IDLE\nIDLE",
    clock="9",
)


def test_every_declared_gate_is_judged() -> None:
    assert tuple(DEMANDS_ALL) == GATE_NAMES, "say above what shuts the new gate"
    asked = (NOW, NOW)
    verdicts = judge(Gates(**DEMANDS_ALL), parse_state(UNFIT, asked, idle_available_mb=4000))
    assert [(verdict.name, verdict.open) for verdict in verdicts] == [
        (name, False) for name in GATE_NAMES
    ]
    silent = judge(Gates(**DEMANDS_ALL), Answers())
    assert [verdict.name for verdict in silent] == list(GATE_NAMES)
    told = {verdict.name: verdict.open for verdict in silent if verdict.open is not None}
    assert told == {"booted": False, "trainer": False, "trainer_version": False, "idle": True}


@pytest.mark.parametrize("gate", declared_gates(), ids=lambda gate: gate.name)
def test_a_gate_alone_asks_and_judges_what_is_its_own(gate: Any) -> None:
    nothing = {declared.name: declared.nothing for declared in declared_gates()}
    assert judge(Gates(**nothing), Answers()) == []
    alone = Gates(**{**nothing, gate.name: DEMANDS_ALL[gate.name]})
    assert [verdict.name for verdict in judge(alone, Answers())] == [gate.name]
    command = state_command("org.x", "/w d", "/proc", questions_of(alone))
    assert command.count("#mobileasr-gate") == len(gate.asks) > 0
    for question in gate.asks:
        assert f"#mobileasr-gate {question.name}'" in command


def test_places_in_a_command_are_quoted() -> None:
    command = state_command("org.x", "/w d", "/p; rm", questions_of(Gates(**DEMANDS_ALL)))
    for part in ("df -k '/w d'", "cat '/p; rm'/meminfo", "pidof org.x"):
        assert part in command
    assert state_command("org.x", "/w", "/proc", ()) == "{ :; } 2>/dev/null; true"


def test_presets_and_own_fields() -> None:
    assert parse_gates("lab") == Gates()
    own = parse_gates({"preset": "strict", "battery_percent_min": 50})
    assert (own.battery_percent_min, own.battery_c_max) == (50, 35)
    assert parse_gates({"screen_on": False}).battery_percent_min == 30
    with pytest.raises(InputError, match="no preset 'loose'"):
        parse_gates("loose")
    with pytest.raises(InputError) as caught:
        parse_gates({"battery_percent": 50})
    assert "did you mean 'battery_percent_min'?" in str(caught.value)


INFO = PhoneInfo(
    serial="S1", adb_serial="a", adb_server="s", state="device", idle_available_mb=4000
)


class Scripted:
    """A phone that answers the gates' one question, in turn; anything else fails the test."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.asked = 0

    def query(self, command: str, timeout_s: float) -> str:
        assert command.startswith("{ echo; echo '#mobileasr-gate boot'; getprop ")
        assert timeout_s > 0
        self.asked += 1
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


class FakeTime:
    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def go(phone: Scripted, gates: Gates, **more: Any) -> tuple[Any, FakeTime]:
    clock = FakeTime()
    more = {"wall": lambda: NOW, **more}
    result = pass_gates(phone, INFO, gates, clock=clock, sleep=clock.sleep, **more)  # type: ignore[arg-type]
    return result, clock


def test_open_gates_are_passed_at_once() -> None:
    phone = Scripted(answer())
    records, clock = go(phone, Gates())
    assert {record.outcome for record in records} == {"passed"}
    assert (phone.asked, clock.slept) == (1, [])


def test_a_warm_phone_is_waited_for() -> None:
    told: list[tuple[str, float]] = []
    phone = Scripted(answer(tenths=450), answer(tenths=430), answer(tenths=400))
    records, clock = go(phone, Gates(poll_s=10), waiting=lambda *shut: told.append(shut))
    by_name = {record.name: record for record in records}
    assert by_name["battery_c_max"].outcome == "waited"
    assert by_name["battery_c_max"].waited_s == 10.0
    assert by_name["idle"].outcome == "passed"
    assert clock.slept == [10, 10]
    assert told == [
        ("battery_c_max: wanted at most 42°C, is 45°C", 900.0),
        ("battery_c_max: wanted at most 42°C, is 43°C", 890.0),
    ]


def test_time_runs_out() -> None:
    with pytest.raises(GateTimedOut) as caught:
        go(Scripted(answer(level=5)), Gates(poll_s=40), limit_s=100)
    assert "S1: not fit to be measured after 100 s" in str(caught.value)
    assert "battery_percent_min: wanted at least 30%, is 5%" in str(caught.value)
    failed = [record.name for record in caught.value.records if record.outcome == "failed"]
    assert failed == ["battery_percent_min"]


def test_what_waiting_cannot_change_is_not_waited_for() -> None:
    phone = Scripted(answer(version=""))
    with pytest.raises(GateTimedOut, match="not installed"):
        go(phone, Gates())
    assert phone.asked == 1


@pytest.mark.parametrize("mode", ["fail", "skip"])
def test_modes_that_do_not_wait(mode: Any) -> None:
    phone = Scripted(answer(level=5), answer())
    with pytest.raises(GateTimedOut) as caught:
        go(phone, Gates(mode=mode))
    assert phone.asked == 1
    assert {record.limit_s for record in caught.value.records} == {0.0}


def test_mode_note_goes_on_and_says_so() -> None:
    records, _ = go(Scripted(answer(level=5)), Gates(mode="note"))
    assert [r.outcome for r in records if r.name == "battery_percent_min"] == ["skipped"]


def test_a_gate_may_have_a_limit_of_its_own() -> None:
    gates = Gates(poll_s=40, limits_s={"battery_percent_min": 200, "clock_off_s_max": 50})
    with pytest.raises(GateTimedOut, match="after 200 s") as caught:
        go(Scripted(answer(level=5)), gates, limit_s=100)
    limits = {record.name: record.limit_s for record in caught.value.records}
    assert (limits["battery_percent_min"], limits["doze"], limits["trainer"]) == (200, 100, 100)
    with pytest.raises(GateTimedOut, match="after 50 s"):
        go(Scripted(answer(clock="1690000000")), gates, limit_s=100)
    with pytest.raises(InputError, match="no gate 'battery'"):
        parse_gates({"limits_s": {"battery": 5}})


def test_a_clock_that_is_off_is_told_in_words() -> None:
    with pytest.raises(GateTimedOut, match=r"is 116 days behind; let the phone take its time"):
        go(Scripted(answer(clock="1690000000")), Gates(mode="fail"))
    with pytest.raises(GateTimedOut, match="is 2 hours ahead"):
        go(Scripted(answer(clock=str(int(NOW) + 8000))), Gates(mode="fail"))


def test_a_slow_answer_is_no_wrong_clock() -> None:
    walls = iter([NOW - 400, NOW + 400])
    records, _ = go(Scripted(answer()), Gates(), wall=lambda: next(walls))
    assert {record.outcome for record in records} == {"passed"}


def test_what_is_not_told_is_skipped_and_said() -> None:
    records, _ = go(Scripted(answer(thermal="")), Gates())
    found = next(record for record in records if record.name == "thermal_status_max")
    assert found.outcome == "skipped"
    assert "does not tell" in found.detail


def test_stop_ends_the_wait() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(GateTimedOut):
        go(Scripted(answer(level=5)), Gates(), stop=stop)
