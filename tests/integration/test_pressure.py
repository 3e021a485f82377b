"""RAM pressure on a whole virtual phone: reached, held, replaced, released whatever happens."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from harness.pressure import Pressure, PressureSettings, PressureUnreachable, resolve_goal
from harness.pressure.control import Reading
from harness.pressure.journal import Past, read_journal
from tests.fixtures.farm import FarmPhone, eventually

PACKAGE = "org.mobileasr.trainer"
# The first test shows both isolations; the others need not.
one_isolation = pytest.mark.parametrize("stub_phone", ["none"], indirect=True)


@pytest.fixture
def phone(stub_phone: FarmPhone) -> Iterator[FarmPhone]:
    """The module's phone, checked to be without ballast before and after."""
    assert stub_phone.sh(f"pidof {PACKAGE}:ballast1 || true").strip() == ""
    idle_kb = stub_phone.available_kb()
    yield stub_phone
    left = " ".join(f"{PACKAGE}:ballast{k}" for k in range(1, 9))
    assert stub_phone.sh(f"pidof {left} || true").strip() == ""
    eventually(lambda: abs(stub_phone.available_kb() - idle_kb) < 64 * 1024)


class Held(Pressure):
    """A pressure, and what its journal says of it."""

    path: Path

    @property
    def past(self) -> Past:
        """What another process would know."""
        past = read_journal(self.path)
        assert past is not None, "the goal was never reached"
        return past

    @property
    def value_mb(self) -> float:
        return self.past.held[-1][0]

    @property
    def within(self) -> bool:
        return self.past.held[-1][1]

    @property
    def ballast_mb(self) -> int:
        return sum(self.past.asked.values())

    def start(self) -> None:
        super().start()
        self.reads_on()

    def reads_on(self) -> None:
        """Wait for a reading from now on."""
        count = len(self.past.held)
        eventually(lambda: len(self.past.held) > count, 20)


@pytest.fixture
def pressure(phone: FarmPhone, tmp_path: Path) -> Callable[..., Held]:
    def make(goal_mb: float, **settings: Any) -> Held:
        settings = {"period_s": 0.3, "settle_limit_s": 40.0, **settings}
        made = Held(
            phone.phone,
            resolve_goal(available_mb=goal_mb),
            PressureSettings(proc_dir=phone.proc_dir, **settings),
            journal=tmp_path / "journal",
        )
        made.path = tmp_path / "journal"
        return made

    return make


def trainer_mb(phone: FarmPhone, held: Held) -> float:
    """What the trainer holds: the controlled figure has it beside MemAvailable."""
    return held.value_mb - phone.available_kb() / 1024


def trainer_runs(phone: FarmPhone) -> bool:
    return phone.sh(f"pidof {PACKAGE} || true").strip() != ""


def start_stub_trainer(phone: FarmPhone, allocate_mb: int, seconds: int) -> None:
    folder = f"{phone.work_dir}/attempts/p-1"
    job = {
        "job_id": "p",
        "stub": {"allocate_mb": allocate_mb, "seconds": seconds},
        "outputs": {
            "folder": folder,
            "events": f"{folder}/events.jsonl",
            "checkpoints": f"{folder}/checkpoints",
            "stop_file": f"{folder}/stop",
        },
    }
    phone.phone.make_folder(folder)
    phone.phone.write_text(f"{folder}/job.json", json.dumps(job))
    phone.sh(f"am start-foreground-service -n {PACKAGE}/.TrainService --es job {folder}/job.json")


def test_reached_held_over_a_growing_trainer_and_a_kill_and_released(
    phone: FarmPhone, pressure: Callable[..., Held]
) -> None:
    goal_mb = phone.available_kb() / 1024 - 900
    held = pressure(goal_mb)
    held.start()
    assert abs(held.value_mb - goal_mb) <= held.goal.tolerance_mb
    assert 800 <= held.ballast_mb <= 1000

    start_stub_trainer(phone, allocate_mb=220, seconds=4)
    eventually(lambda: trainer_mb(phone, held) > 200)
    time.sleep(1.0)
    assert phone.available_kb() / 1024 < goal_mb - 150  # the trainer had its share of the goal
    ballast_with_trainer = held.ballast_mb
    assert 800 <= ballast_with_trainer <= 1000

    phone.do("kill", process=f"{PACKAGE}:ballast2")
    eventually(lambda: held.ballast_mb < ballast_with_trainer - 200)
    eventually(lambda: held.ballast_mb > 800 and held.within)
    phone.do("lose_cable", seconds=1.5)
    eventually(lambda: not phone.phone.is_online(0.5))
    eventually(lambda: phone.phone.is_online(1.0), 20)
    held.reads_on()
    eventually(lambda: not trainer_runs(phone), 15)
    held.reads_on()

    record = held.stop()
    assert held.stop() is record
    assert abs(record.reached_mb - goal_mb) <= record.tolerance_mb
    assert record.within_tolerance_percent > 50
    assert record.goal == f"available_mb: {goal_mb:g}"
    assert 800 <= record.ballast_peak_mb <= 1100
    assert [kill.role for kill in record.kills] == ["ballast"]
    assert record.kills[0].process == f"{PACKAGE}:ballast2"
    assert record.kills[0].reason.startswith("lmkd")
    assert "started again" in record.kills[0].evidence
    assert "Kill '" in record.kills[0].evidence
    steps = [mb for _, mb in record.steps]
    assert any(later < sooner for sooner, later in pairwise(steps))
    assert 0 < record.kills[0].t_s < 60
    assert held.notes == []


def swap_used_mb(phone: FarmPhone) -> float:
    lines = phone.sh(f"cat '{phone.proc_dir}/meminfo'").splitlines()
    kb = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return (kb["SwapTotal"] - kb["SwapFree"]) / 1024


@one_isolation
def test_kills_while_training_are_made_good_told_apart_and_counted_once(
    phone: FarmPhone, pressure: Callable[..., Held]
) -> None:
    goal_mb = phone.available_kb() / 1024 - 700
    held = pressure(goal_mb)
    held.start()
    start_stub_trainer(phone, allocate_mb=60, seconds=60)
    eventually(lambda: trainer_mb(phone, held) > 50)
    phone.sh("monkey -p com.android.settings 1")
    # lmkd takes ballast again and again: each time it comes back as another process
    for service in (1, 2, 1):
        phone.do("kill", process=f"{PACKAGE}:ballast{service}")
        eventually(lambda: not held.within)
        eventually(lambda: held.within, 20)
        phone.do("clock_jump", seconds=-7200)  # somebody sets the clock meanwhile
    phone.do("kill", process="com.android.settings")
    assert trainer_runs(phone), "the trainer was left alone so far"
    phone.do("kill", process=PACKAGE)
    eventually(lambda: not trainer_runs(phone))
    held.reads_on()
    record = held.stop()
    phone.do("clock_jump", off=True)
    assert "clock was set by -72" in held.notes[0]
    roles = [kill.role for kill in record.kills]
    assert sorted(roles) == ["ballast", "ballast", "ballast", "bystander", "trainer"], record.kills
    assert len({kill.pid for kill in record.kills}) == 5
    for kill in record.kills:
        # lmkd's line, its event, ActivityManager's event: one kill
        assert kill.evidence.count("lowmemorykiller") == 1
        assert kill.evidence.count("killinfo") == 1
        assert kill.evidence.count("am_proc_died") == 1
        assert ("exit-info" in kill.evidence) == (kill.role != "bystander")
        assert ("started again" in kill.evidence) == (kill.role == "ballast")
    times = [kill.t_s for kill in record.kills]
    assert times == sorted(times)
    assert all(0 < t < 120 for t in times)


@one_isolation
def test_what_zram_swallows_of_apps_the_ballast_fills_again(
    phone: FarmPhone, pressure: Callable[..., Held]
) -> None:
    idle_mb = phone.available_kb() / 1024
    apps = ["com.android.browser", "com.android.settings"]  # 260 and 90 MB
    held = pressure(idle_mb - 600, means=("apps", "ballast"), apps=apps)
    held.start()
    eventually(lambda: swap_used_mb(phone) > 140, 20)
    eventually(lambda: held.ballast_mb > 310 and held.within, 20)
    time.sleep(1.0)
    record = held.stop()
    assert abs(record.reached_mb - (idle_mb - 600)) <= record.tolerance_mb
    assert record.apps == tuple(apps)
    assert record.regulated
    # the browser is in the background, a part of it packed; without zram 250 MB would do
    assert record.ballast_peak_mb > 310
    assert record.kills == ()
    assert phone.sh("pidof com.android.browser com.android.settings || true").strip() == ""


@one_isolation
def test_apps_alone_press_in_steps_and_the_record_says_so(
    phone: FarmPhone, pressure: Callable[..., Held]
) -> None:
    idle_mb = phone.available_kb() / 1024
    apps = ["com.android.browser", "com.android.settings"]
    held = pressure(idle_mb - 260, means=("apps",), apps=apps)
    held.start()
    record = held.stop()
    assert record.apps == ("com.android.browser",), "the second one was not needed"
    assert (record.regulated, record.ballast_peak_mb) == (False, 0)
    assert "apps alone (com.android.browser) is not regulated" in held.notes[0]
    with pytest.raises(PressureUnreachable, match="name more, or add ballast"):
        pressure(idle_mb - 1500, means=("apps",), apps=apps).start()


@one_isolation
def test_a_goal_above_what_is_there_is_said_so(
    phone: FarmPhone, pressure: Callable[..., Held]
) -> None:
    idle_mb = phone.available_kb() / 1024
    held = pressure(idle_mb + 500)
    with pytest.raises(PressureUnreachable, match="without ballast") as caught:
        held.start()
    assert any("MemAvailable" in line for line in caught.value.evidence)
    assert held.stop().ballast_peak_mb == 0


@one_isolation
def test_lmkd_does_not_allow_the_goal(phone: FarmPhone, pressure: Callable[..., Held]) -> None:
    held = pressure(2.0, settle_limit_s=60.0)
    with pytest.raises(PressureUnreachable, match="killed ballast") as caught:
        held.start()
    assert any("lowmemorykiller" in line for line in caught.value.evidence)


class InterruptError(Exception):
    """Stands in for Ctrl-C or any failure in the middle."""


@one_isolation
def test_released_after_a_failure_in_the_middle(
    phone: FarmPhone, pressure: Callable[..., Held]
) -> None:
    goal_mb = phone.available_kb() / 1024 - 600
    held = pressure(goal_mb)
    held.setup()
    assert held._loop is not None
    read, calls = held._loop._read, 0

    def failing(services: Iterable[int]) -> Reading:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise InterruptError
        return read(services)

    held._loop._read = failing
    with pytest.raises(InterruptError):
        held.start()


@one_isolation
def test_ballast_of_a_host_that_died_is_released_first(
    phone: FarmPhone, pressure: Callable[..., Held]
) -> None:
    idle_mb = phone.available_kb() / 1024
    phone.sh(f"am startservice -n {PACKAGE}/.BallastService7 --ei mb 500")
    eventually(lambda: phone.available_kb() / 1024 < idle_mb - 400)
    held = pressure(idle_mb - 300)
    held.setup()
    held.start()
    assert held.ballast_mb < 400
    held.stop()
