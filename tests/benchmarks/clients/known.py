"""Which clients are asked, at which versions, and what is asked of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.clients import android_runner, suites
from tests.benchmarks.clients.installing import node_folder, python_environment
from tests.benchmarks.clients.outcome import Call
from tests.benchmarks.clients.phone import JudgedPhone
from tests.benchmarks.clients.running import calls_of

SCRIPTS = Path(__file__).parent
"""Folder of what clients are asked, ``python/`` and ``node/``."""


@dataclass(frozen=True)
class Client:
    """One client.

    Attributes:
        name: As its registry has it.
        version: Pinned.
        ready: Installs it; raises `NotHereError`. Called before a phone is started.
        judge: Uses a phone and says what works.
    """

    name: str
    version: str
    ready: Callable[[], Path]
    judge: Callable[[Path, JudgedPhone], list[Call]]


def _python(name: str, version: str, script: str) -> Client:
    def judge(python: Path, phone: JudgedPhone) -> list[Call]:
        return calls_of([str(python), str(SCRIPTS / "python" / script)], phone)

    return Client(name, version, lambda: python_environment([f"{name}=={version}"]), judge)


def _node(name: str, version: str, script: str, *more: str) -> Client:
    def judge(folder: Path, phone: JudgedPhone) -> list[Call]:
        # a module finds packages from where it lies
        for text in (SCRIPTS / "node").glob("*.mjs"):
            (folder / text.name).write_bytes(text.read_bytes())
        return calls_of(["node", str(folder / script)], phone)

    return Client(name, version, lambda: node_folder([f"{name}@{version}", *more]), judge)


def known(android_runner_checkout: Path | None = None) -> list[Client]:
    """Return all clients.

    Args:
        android_runner_checkout: Sources of android-runner, which no registry has.
    """
    return [
        Client("adbutils e2e suite", "2.12.0", suites.adbutils_ready, suites.adbutils),
        Client("wlauto idle agenda", "3.3.1", suites.wlauto_ready, suites.wlauto),
        _python("adb-shell", "0.4.4", "adb_shell_calls.py"),
        _python("pure-python-adb", "0.3.0.dev0", "ppadb_calls.py"),
        _python("uiautomator2", "3.7.1", "uiautomator2_calls.py"),
        _python("mobly", "1.13.1", "mobly_calls.py"),
        _python("mozdevice", "4.2.0", "mozdevice_calls.py"),
        Client("devlib", "1.3.4", suites.devlib_ready, suites.devlib),
        _node("@devicefarmer/adbkit", "3.3.9", "adbkit.mjs"),
        _node(
            "@yume-chan/adb", "2.6.4", "yume_adb.mjs",
            "@yume-chan/adb-server-node-tcp@2.5.2", "@yume-chan/stream-extra@2.6.1",
        ),
        _node("appium-adb", "16.0.9", "appium_adb.mjs"),
        Client(
            "android-runner", android_runner.COMMIT,
            lambda: android_runner.ready(android_runner_checkout), android_runner.judge,
        ),
    ]  # fmt: skip
