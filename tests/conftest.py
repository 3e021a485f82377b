"""Fixtures of all tests; each part keeps its own in ``tests/fixtures``."""

import importlib.util
import os
import signal
from pathlib import Path

import hypothesis
import pytest

NOT_ON_THIS_PYTHON = "not on this Python"
_FIXTURES = Path(__file__).parent / "fixtures"

# Flower goes with no other extra: script/test-federated has an environment for these
collect_ignore_glob = [] if importlib.util.find_spec("flwr") else ["unit/federated/test_flower*.py"]
pytest.register_assert_rewrite("tests.fixtures")  # they import each other
pytest_plugins = [
    f"tests.fixtures.{path.stem}"
    for path in sorted(_FIXTURES.glob("*.py"))
    if path.stem != "__init__"
]


# A busy machine makes any test slow now and then: nothing is asserted of times.
hypothesis.settings.register_profile("harness", deadline=None)
hypothesis.settings.load_profile("harness")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--nightly", action="store_true", help="also run what is marked nightly")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--nightly"):
        return
    left_out = [item for item in items if item.get_closest_marker("nightly")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_sessionstart() -> None:
    """In the background of a script or under nohup signals are ignored, and so by every phone."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Under MOBILEASR_LAB_NO_SKIP=1 (CI) a skipped test fails the run.

    One whose package does not exist for this Python may be skipped: its reason says so.
    """
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = [
        report
        for report in (reporter.stats.get("skipped", []) if reporter else [])
        if NOT_ON_THIS_PYTHON not in str(report.longrepr)
    ]
    if skipped and exitstatus == 0 and os.environ.get("MOBILEASR_LAB_NO_SKIP") == "1":
        reporter.write_line(f"{len(skipped)} skipped: not allowed here", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
