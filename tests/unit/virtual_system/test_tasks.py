"""Tasks, and which activity an intent starts."""

import pytest

from harness.virtual.system.intent import parse_intent
from harness.virtual.system.resolving import resolve
from harness.virtual.system.service import System
from harness.virtual.system.tasks import Task, Tasks


def test_what_ended_is_no_longer_in_front_but_in_the_list() -> None:
    tasks = Tasks(Task(1, "home", "home/.Home", 10001))
    first = tasks.start("a.b", "a.b/.C", 10002)
    tasks.start("d.e", "d.e/.F", 10003)
    assert tasks.start("a.b", "a.b/.G", 10002) is first
    assert [task.component for task in tasks] == ["a.b/.G", "d.e/.F", "home/.Home"]
    tasks.ended("d.e")
    assert tasks.front is first
    tasks.ended("a.b")
    assert tasks.front.package == "home"
    assert len(list(tasks)) == 3
    tasks.forget("a.b")
    assert [task.package for task in tasks] == ["home", "d.e"]
    assert tasks.front.full_component == "home/home.Home"


@pytest.mark.parametrize(
    ("words", "component"),
    [
        ("-n com.android.settings/.Settings", "com.android.settings/.Settings"),
        ("com.android.settings/com.android.settings.Settings", "com.android.settings/.Settings"),
        ("com.android.settings", "com.android.settings/.Settings"),
        ("-a android.settings.WIFI_SETTINGS", "com.android.settings/.Settings"),
        ("-a android.intent.action.MAIN -c android.intent.category.HOME",
         "com.android.launcher3/.Launcher"),
        ("-a android.intent.action.VIEW -d https://example.org",
         "com.android.browser/.BrowserActivity"),
        ("-a android.intent.action.VIEW -d geo:1,2", None),
        ("-n com.android.settings/.Absent", None),
        ("-n org.absent/.Main", None),
        ("org.mobileasr.trainer", None),
    ],
)  # fmt: skip
def test_an_intent_starts(system: System, words: str, component: str | None) -> None:
    assert resolve(system.packages, parse_intent(words.split())) == component
