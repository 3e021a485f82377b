"""Ballast, readings, kills, apps: against a fake phone that refuses unexpected commands."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.pressure.apps import Apps
from harness.pressure.ballast import Ballast, spread
from harness.pressure.control import Reading
from harness.pressure.errors import PressureError
from harness.pressure.goal import Goal
from harness.pressure.phone import PhoneReader, parse_reading
from harness.pressure.watch import KillWatch, find_kills
from harness.readings import parse_lmk

PACKAGE = "org.mobileasr.trainer"


@dataclass
class Answer:
    stdout: str = ""
    stderr: str = ""
    code: int = 0


class FakePhone:
    """Answers in the order of its script; anything else fails at once."""

    def __init__(self, *script: tuple[str, Answer]) -> None:
        self.script = list(script)
        self.said: list[str] = []

    def shell(self, command: str, *, timeout_s: float = 0) -> Answer:
        assert timeout_s > 0
        self.said.append(command)
        assert self.script, f"unexpected command {command!r}"
        part, answer = self.script.pop(0)
        assert part in command, f"{part!r} expected, got {command!r}"
        return answer


@pytest.fixture
def fake() -> "Callable[..., FakePhone]":
    made: list[FakePhone] = []

    def make(*script: tuple[str, Answer]) -> FakePhone:
        made.append(FakePhone(*script))
        return made[-1]

    yield make  # type: ignore[misc]
    for phone in made:
        assert not phone.script, f"never asked: {phone.script}"


@given(st.integers(0, 20000))
def test_spread_keeps_the_total(total: int) -> None:
    sizes = spread(total)
    assert sum(sizes) == total
    assert len(sizes) == 8
    assert sizes == sorted(sizes, reverse=True)
    assert max(sizes) <= max(256, -(-total // 8))


@given(st.integers(0, 2000), st.integers(0, 2000))
def test_a_small_change_touches_few_services(a: int, b: int) -> None:
    changed = sum(x != y for x, y in zip(spread(a), spread(b), strict=True))
    assert changed <= abs(a - b) // 256 + 2


def test_ballast_tells_only_services_that_change(fake: Callable[..., FakePhone]) -> None:
    service = f"am startservice -n {PACKAGE}/.BallastService"
    phone = fake(
        (f"{service}2 --ei mb 44", Answer()),
        (f"{service}2 --ei mb 0", Answer()),
        (f"{service}1 --ei mb 0", Answer()),
    )
    ballast = Ballast(phone, PACKAGE)
    ballast.hold(300)
    assert ballast.asked == {1: 256, 2: 44}
    ballast.hold(300)  # nothing to say
    ballast.hold(256)
    assert phone.said[1] == f"{service}2 --ei mb 0"
    ballast.release()
    assert (ballast.total_mb, ballast.peak_mb) == (0, 300)


def test_ballast_that_is_not_allowed_in_the_background(fake: Callable[..., FakePhone]) -> None:
    phone = fake(
        ("am startservice", Answer("", "Error: app is in background uid null", 255)),
        ("am start-foreground-service", Answer()),
    )
    Ballast(phone, PACKAGE).hold(10)


def test_ballast_that_does_not_start_is_an_error(fake: Callable[..., FakePhone]) -> None:
    phone = fake(("am startservice", Answer("Error: Not found; no service started.\n")))
    ballast = Ballast(phone, PACKAGE)
    with pytest.raises(PressureError, match="no service started"):
        ballast.hold(10)
    assert ballast.total_mb == 0


def test_release_without_knowledge_ends_all(fake: Callable[..., FakePhone]) -> None:
    phone = fake((".BallastService1 --ei mb 0; am", Answer()))
    Ballast(phone, PACKAGE).release()
    assert phone.said[0].count("--ei mb 0") == 8


def stat(pid: int, start: int = 5) -> str:
    return f"{pid} (a (b) c) S 1 1 1 0 -1 0 0 0 0 0 10 0 0 0 20 0 3 0 {start} 9 9\n"


SYSTEM = "1234.56 999.00\nMemTotal:  4096000 kB\nMemAvailable:  2048000 kB\n"
READING = (
    SYSTEM
    + f"#process 0 70\n{stat(70)}1000 700 300 0 0 0 0\n"
    + f"#process 1 71\n{stat(71)}500 100 50 0 0 0 0\n"
    + f"#process 8 72\n{stat(72)}0 0 0 0 0 0 0\n"  # a zombie
    + "#process 2 73\n"  # it ended between two reads
    + f"#process 3 74\n{stat(75)}500 100 50 0 0 0 0\n"  # nonsense
)


def test_a_reading_of_the_phone() -> None:
    reading, seen = parse_reading(READING, 4)
    assert (reading.t_ms, reading.available_mb) == (1234560, 2000)
    assert reading.trainer_mb == pytest.approx(400 * 4 / 1024)
    assert reading.value_mb == pytest.approx(2000 + 400 * 4 / 1024)
    assert reading.trainer_pid == 70
    assert reading.alive == {1: 71}
    assert sorted(seen) == [0, 1]
    assert parse_reading(READING.replace("\n", "\r\n"), 4) == (reading, seen)


@pytest.mark.parametrize(
    "text", ["", "x\n", "1.0 2\nMemTotal: 5 kB\n", "nan\nMemAvailable: 5 kB\n"]
)
def test_nonsense_is_not_a_reading(text: str) -> None:
    with pytest.raises(PressureError):
        parse_reading(text, 4)


def test_processes_are_looked_for_by_name_only_until_found(fake: Callable[..., FakePhone]) -> None:
    second = SYSTEM + f"#process 0 70\n{stat(70)}1000 700 300 0 0 0 0\n"
    phone = fake(
        ("getconf PAGESIZE", Answer("16384\n")),
        (f"f 0 {PACKAGE}; f 1 {PACKAGE}:ballast1", Answer(READING)),
        ("then p 0 70; else f 0 ", Answer(second)),
        ("then p 0 70; else f 0 ", Answer(second.replace(" 20 0 3 0 5 ", " 20 0 3 0 6 "))),
        (f"f 0 {PACKAGE}; f 1", Answer(SYSTEM)),
    )
    read = PhoneReader(phone, PACKAGE, "/proc", 5)
    assert read([1]).trainer_mb == pytest.approx(400 * 16 / 1024)
    assert read([1]).alive == {}  # the service is gone
    other = read([1])
    assert (other.trainer_mb, other.trainer_pid) == (0, None)  # its pid went to another process
    read([1])
    assert "pidof" in phone.said[1]
    assert phone.said[2].count("f 1 ") == 1  # 71 was known


LOG = f"""01-02 03:00:00.500 1 1 I lowmemorykiller: Kill '{PACKAGE}:ballast2' (77), uid 10123, \
oom_score_adj 700 to free 95000kB rss; reason: low watermark
01-02 03:00:00.510 1 1 I am_kill : [0,77,{PACKAGE}:ballast2,700,lmk]
01-02 03:00:00.520 1 1 I am_proc_died: [0,77,{PACKAGE}:ballast2,700,4]
01-02 03:00:01.000 1 1 I lowmemorykiller: Kill 'com.game' (80), uid 10001, oom_score_adj 900 \
to free 1kB rss
01-02 03:00:02.000 1 1 I killinfo: [90,10123,200,100,150000,3]
01-02 03:00:02.100 1 1 I am_proc_died: [0,90,{PACKAGE},200,4]
01-02 03:00:03.000 1 1 I am_kill : [0,81,com.chat,906,empty for 1899s]
01-02 03:00:04.000 1 1 I am_kill : [0,82,com.photos,900,remove task]
01-02 03:00:05.000 1 1 I am_kill : [0,78,{PACKAGE}:ballast3,700,stop {PACKAGE} due to from pid 9]
01-02 03:00:05.100 1 1 I am_proc_died: [0,78,{PACKAGE}:ballast3,700,4]
01-02 03:00:06.000 1 1 I am_proc_died: [0,83,com.mail,900,4]
01-02 03:00:07.000 1 1 I am_proc_died: [0,79,{PACKAGE}:ballast4,700,4]
"""


def test_kills_are_told_apart_and_counted_once() -> None:
    kills = find_kills(parse_lmk(LOG).kills, PACKAGE, {90: PACKAGE})
    assert [(k.pid, k.role, k.reason) for k in kills] == [
        (77, "ballast", "lmkd: low watermark"),
        (80, "bystander", "lmkd"),
        (90, "trainer", "lmkd: lmkd reason 3"),
        (81, "bystander", "ActivityManager: empty for 1899s"),
    ]
    assert len(kills[0].evidence) == 3


def test_the_watch_adds_exit_records_and_the_phones_clock(fake: Callable[..., FakePhone]) -> None:
    exits = """ACTIVITY MANAGER PROCESS EXIT INFO (dumpsys activity exit-info)
  package: org.mobileasr.trainer
        ApplicationExitInfo #0:
          timestamp=2026-01-02 03:00:09.000 pid=91 realUid=1 packageUid=1 definingUid=1 user=0
          process=org.mobileasr.trainer reason=3 (LOW_MEMORY) subreason=0 (UNKNOWN) status=9
        ApplicationExitInfo #1:
          timestamp=2026-01-02 03:00:00.500 pid=77 realUid=1 packageUid=1 definingUid=1 user=0
          process=org.mobileasr.trainer:ballast2 reason=3 (LOW_MEMORY) subreason=0 status=9
"""
    phone = fake(
        ("date +", Answer("2026-01-02 03:00:00\n500.25 7.0\n")),
        ("date +", Answer("2026-01-02 03:00:20\n520.25 7.0\n")),
        ("-T '01-02 03:00:00.000'", Answer(LOG.splitlines()[0] + "\n")),
        ("exit-info", Answer(exits)),
    )
    watch = KillWatch(phone, PACKAGE)
    watch.setup()
    watch.known.update({77: f"{PACKAGE}:ballast2", 91: PACKAGE})
    kills = watch.kills()
    assert [(k.pid, k.role) for k in kills] == [(77, "ballast"), (91, "trainer")]
    assert any("reason=3" in line for line in kills[0].evidence)
    assert watch.t_ms(kills[0].time) == 500750
    assert watch.t_ms(kills[1].time) == 509250
    assert watch.t_ms("nonsense") is None


class Phone:
    """A phone whose apps take this much RAM each."""

    def __init__(self, idle_mb: float, **apps: float) -> None:
        self.idle_mb = idle_mb
        self.apps = {f"com.{name}": mb for name, mb in apps.items()}
        self.running: list[str] = []
        self.log: list[str] = []

    def shell(self, command: str, *, timeout_s: float = 0) -> Answer:
        words = command.split()
        self.log.append(f"{words[0]} {words[2] if words[0] != 'input' else words[2][8:]}")
        if words[0] == "monkey":
            if words[2] not in self.apps:
                return Answer("** No activities found to run, monkey aborted.")
            self.running.append(words[2])
        elif words[:2] == ["am", "force-stop"]:
            self.running.remove(words[2])
        else:
            assert words == ["input", "keyevent", "KEYCODE_HOME"]
        return Answer("Events injected: 1")

    def read(self) -> Reading:
        return Reading(1000, self.idle_mb - sum(self.apps[name] for name in self.running))


def press(phone: Phone, goal_mb: float, *, refill: bool = False, names: str = "abcd") -> Apps:
    apps = Apps(phone, [f"com.{name}" for name in names])
    goal = Goal(goal_mb, 50.0, "available_mb")
    apps.press(goal, phone.read, lambda: False, refill=refill)
    assert apps.launched == phone.running
    return apps


def test_as_many_apps_as_the_goal_needs() -> None:
    phone = Phone(3000, a=300, b=400, c=500, d=100)
    apps = press(phone, 2280)
    assert phone.running == ["com.a", "com.b"]
    assert phone.log[:2] == ["monkey com.a", "input HOME"]
    why, note = apps.told(Goal(2280, 50, ""), phone.read())
    assert why == ""
    assert "com.a, com.b) is not regulated: 2300 MB available at the start, 2280 MB" in note
    apps.release()
    apps.release()
    assert phone.running == []


def test_an_app_that_is_too_large_is_ended_where_ballast_does_the_rest() -> None:
    phone = Phone(3000, a=300, b=1500, c=200, d=0)
    press(phone, 2450, refill=True)
    assert phone.running == ["com.a", "com.c"]


def test_apps_alone_come_as_near_as_they_can() -> None:
    phone = Phone(3000, a=300, b=500, c=100, d=900)
    press(phone, 2350)  # with b 2200, 150 below; without it 2700, 350 above
    assert phone.running == ["com.a", "com.b"]
    apps = press(Phone(3000, a=300, b=900), 2600, names="ab")  # 100 above, or 800 below
    why, _ = apps.told(Goal(2600, 50, ""), Reading(1, 2700))
    assert "(com.a) leave 2700 MB available; 2600 MB wanted: name more" in why
    _, note = apps.told(Goal(2600, 50, ""), Reading(1, 2500))
    assert note.endswith("2600 MB wanted: no number of them comes nearer.")


def test_an_app_that_is_not_there_is_an_error() -> None:
    with pytest.raises(PressureError, match=r"com\.x cannot be launched"):
        press(Phone(3000, a=1), 100, names="ax")


def lines(*texts: str) -> str:
    return "".join(f"01-02 03:00:0{n}.500 1 1 I {text}\n" for n, text in enumerate(texts))


def test_a_pid_that_is_used_again_is_another_process() -> None:
    killed = f"lowmemorykiller: Kill '{PACKAGE}:ballast2' (77), uid 10123, oom_score_adj 700"
    died = f"am_proc_died: [0,77,{PACKAGE}:ballast2,700,4]"
    other = "lowmemorykiller: Kill 'com.game' (77), uid 10001, oom_score_adj 900"
    kills = find_kills(parse_lmk(lines(killed, died, killed, died, other)).kills, PACKAGE)
    assert [kill.role for kill in kills] == ["ballast", "ballast", "bystander"]
    assert [len(kill.evidence) for kill in kills] == [2, 2, 1]


CLOCK = "date +"


def watched(fake: Callable[..., FakePhone], now: str, log: str, exits: str = "") -> KillWatch:
    phone = fake(
        (CLOCK, Answer("2026-12-31 23:59:58\n500.0 7.0\n")),
        (CLOCK, Answer(now)),
        ("logcat -d", Answer(log)),
        ("exit-info", Answer(exits)),
    )
    watch = KillWatch(phone, PACKAGE)
    watch.setup()
    watch.known.update({77: f"{PACKAGE}:ballast2", 91: PACKAGE})
    return watch


def kill_at(time: str, pid: int, name: str) -> str:
    return f"{time} 1 1 I lowmemorykiller: Kill '{name}' ({pid}), uid 1, oom_score_adj 700\n"


def test_the_year_may_end_while_the_pressure_is_on(fake: Callable[..., FakePhone]) -> None:
    log = kill_at("12-31 23:59:59.000", 80, "com.a") + kill_at("01-01 00:00:03.500", 81, "com.b")
    watch = watched(fake, "2027-01-01 00:00:05\n507.0 1\n", log)
    assert [watch.t_ms(kill.time) for kill in watch.kills()] == [501000, 505500]
    assert watch.notes == []


@pytest.mark.parametrize(
    ("setup", "later", "moved", "killed_ms"),
    [
        # whole seconds would say -7199: the first is cut short by 0.9 s, the second by 0.1 s
        ("20:00:00.900000000", "18:00:10.100000000", "-7200", 503_100),
        ("20:00:00.%N", "18:00:10.%N", "-7199", 504_000),  # a date of Android 5
        ("20:00:00.N", "18:00:10.N", "-7199", 504_000),
        ("20:00:00", "18:00:10", "-7199", 504_000),  # noted by an earlier version
    ],
)
def test_the_clock_is_read_as_finely_as_the_phone_tells_it(
    fake: Callable[..., FakePhone], setup: str, later: str, moved: str, killed_ms: int
) -> None:
    phone = fake(
        (CLOCK, Answer(f"2026-12-31 {setup}\n500.00 7.0\n")),
        (CLOCK, Answer(f"2026-12-31 {later}\n509.20 7.0\n")),
        ("logcat -d", Answer(kill_at("12-31 20:00:04.000", 80, "com.a"))),
        ("exit-info", Answer("")),
    )
    watch = KillWatch(phone, PACKAGE)
    watch.setup()
    assert [watch.t_ms(kill.time) for kill in watch.kills()] == [killed_ms]
    assert f"clock was set by {moved} s" in watch.notes[0]


@pytest.mark.parametrize("jump_s", [-7200, 7200])
def test_a_clock_that_was_set_is_noticed(fake: Callable[..., FakePhone], jump_s: int) -> None:
    hour = 23 + jump_s // 3600
    day = "12-31" if hour < 24 else "01-01"
    year = 2026 if hour < 24 else 2027
    after = f"{day} {hour % 24:02d}:59:"
    log = (
        kill_at("12-31 20:00:00.000", 70, "com.old")
        + kill_at("12-31 23:59:59.000", 80, "com.a")
        + kill_at(f"{after}59.500", 81, "com.b")
    )
    now = f"{year}-{after}59\n501.0 1\n".replace(":59\n", ":59\n")
    watch = watched(fake, now, log)
    assert [(kill.pid, watch.t_ms(kill.time)) for kill in watch.kills()] == [
        (80, 501000),
        (81, 501500),
    ]
    assert len(watch.notes) == 1
    assert f"set by {jump_s:+d} s" in watch.notes[0]


def test_an_exit_record_of_an_older_process_is_not_counted(fake: Callable[..., FakePhone]) -> None:
    exits = """ACTIVITY MANAGER PROCESS EXIT INFO (dumpsys activity exit-info)
        ApplicationExitInfo #0:
          timestamp=2026-12-30 03:00:09.000 pid=91 realUid=1 packageUid=1 definingUid=1 user=0
          process=org.mobileasr.trainer reason=3 (LOW_MEMORY) subreason=0 (UNKNOWN) status=9
"""
    watch = watched(fake, "2027-01-01 00:00:05\n507.0 1\n", "", exits)
    assert watch.kills() == []


def test_a_log_that_cannot_be_read_is_told(fake: Callable[..., FakePhone]) -> None:
    phone = fake(
        (CLOCK, Answer("2026-12-31 23:59:58\n500.0 7.0\n")),
        (CLOCK, Answer("2026-12-31 23:59:59\n501.0 7.0\n")),
        ("logcat -d", Answer("", "logcat: Unexpected EOF!\n", 1)),
        ("exit-info", Answer("")),
    )
    watch = KillWatch(phone, PACKAGE)
    watch.setup()
    assert watch.kills() == []
    assert watch.notes == ["The phone's log of kills could not be read: logcat: Unexpected EOF!."]
