"""What the bench over clients does with one of them, whose package is here: adb-shell."""

import sys

import pytest

from tests.benchmarks.clients.known import SCRIPTS
from tests.benchmarks.clients.phone import fresh_phone
from tests.benchmarks.clients.running import calls_of


def test_all_that_the_bench_asks_of_adb_shell_works() -> None:
    pytest.importorskip("adb_shell", reason="adb-shell is not installed")
    with fresh_phone() as phone:
        calls = calls_of([sys.executable, str(SCRIPTS / "python/adb_shell_calls.py")], phone)
    assert [call for call in calls if call.outcome != "works"] == []
    assert {"list_folder", "pull", "push_of_system", "reboot"} <= {call.name for call in calls}
