"""Clients that are judged by something of their own: adbutils' tests, wlauto's default agenda."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

from tests.benchmarks.clients.installing import python_environment, source_distribution
from tests.benchmarks.clients.outcome import Call, Outcome, shortened
from tests.benchmarks.clients.phone import JudgedPhone
from tests.benchmarks.clients.running import calls_of, run
from tests.fixtures.data.apk import write_apk

_ADBUTILS = "adbutils==2.12.0"
_CANNOT = {
    "test_wait_for": "waits for a phone on USB; a virtual phone is on TCP",
    "test_screenrecord": "records the screen; there is no picture",
}
_DEFAULT_PORT = "5037"
_IMP_GONE = (3, 12)
"""devlib's setup.py imports ``imp``, which this Python has no more."""
_DEMO_APP = "io.appium.android.apis"
"""Its tests start this app if it is installed; one of that name with nothing in it is enough."""
_TEST_TOOLS = ("pytest==9.0.1", "pytest-timeout==2.4.0", "Pillow==12.0.0")


def adbutils_ready() -> Path:
    """Install adbutils with what its tests need; return the folder of its sources."""
    python_environment([_ADBUTILS, *_TEST_TOOLS])
    return source_distribution(_ADBUTILS)


def adbutils(sources: Path, phone: JudgedPhone) -> list[Call]:
    """Run its end-to-end tests, from its source distribution.

    The port of the server that some tests name is the private server's in the copy that is run.
    """
    folder = phone.folder / "suite"
    shutil.copytree(sources / "e2etests", folder)
    for path in folder.glob("*.py"):
        text = path.read_text("utf-8")
        path.write_text(text.replace(_DEFAULT_PORT, str(phone.server_port)), "utf-8")
    results = phone.folder / "junit.xml"
    python = python_environment([_ADBUTILS, *_TEST_TOOLS])
    demo = write_apk(phone.folder / "demo.apk", _DEMO_APP, activities=(".Main",))
    run(["adb", "install", str(demo)], phone)
    _, why = run(
        [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=60",
         f"--junitxml={results}", "."],
        phone, cwd=folder,
    )  # fmt: skip
    if not results.is_file():
        return [Call("(the suite)", "fails", why)]
    return [_of_case(case) for case in ET.parse(results).iter("testcase")]


def _of_case(case: ET.Element) -> Call:
    name = case.get("name", "")
    outcome: Outcome = "works"
    reason = ""
    for kind in ("failure", "error", "skipped"):
        found = case.find(kind)
        if found is not None:
            outcome = "skipped" if kind == "skipped" else "fails"
            reason = shortened(found.get("message", ""))
    if outcome == "fails" and name in _CANNOT:
        return Call(name, "skipped", _CANNOT[name])
    return Call(name, outcome, reason)


def devlib_ready() -> Path:
    """Install devlib; return its Python."""
    return python_environment(["devlib==1.3.4", "setuptools<80"], below=_IMP_GONE)


def devlib(python: Path, phone: JudgedPhone) -> list[Call]:
    """Run the script of devlib."""
    return calls_of([str(python), str(Path(__file__).parent / "python/devlib_calls.py")], phone)


def wlauto_ready() -> Path:
    """Install Arm's workload automation; return its Python."""
    packages = ["wlauto==3.3.1", "devlib==1.3.4", "setuptools<80"]
    return python_environment(packages, below=_IMP_GONE)


def wlauto(python: Path, phone: JudgedPhone) -> list[Call]:
    """Run what ``wa create agenda idle`` writes; each job of it is a call."""
    wa = str(python.parent / "wa")
    env = {"WA_USER_DIRECTORY": str(phone.folder / "wa")}
    agenda, out = phone.folder / "idle.yaml", phone.folder / "out"
    _, why = run([wa, "create", "agenda", "idle", "-o", str(agenda)], phone, env=env)
    if not why:
        _, why = run([wa, "run", str(agenda), "-d", str(out), "-f"], phone, env=env)
    calls = []
    for path in sorted(out.glob("*/result.json")):
        result = json.loads(path.read_text("utf-8"))
        if "status" in result:
            events = "; ".join(event["message"] for event in result.get("events", []))
            works = result["status"].startswith("OK")  # OK(7): name and number
            calls.append(Call(path.parent.name, "works" if works else "fails", shortened(events)))
    return calls or [Call("(the run)", "fails", why or "no job")]
