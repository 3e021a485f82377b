"""A phone's system without a phone: commands are asked in this process."""

import asyncio
import inspect
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from harness.devices.profile import load_profile
from harness.virtual.phone import Faults, PhoneSpec
from harness.virtual.root import open_root
from harness.virtual.system.battery import BatteryState
from harness.virtual.system.call import AsideCall
from harness.virtual.system.server import SERVICES, SystemServer
from harness.virtual.system.service import Setup, System


class Answer(NamedTuple):
    """What a command came to."""

    code: int
    output: str
    errors: str


Ask = Callable[[str], Answer]


def setup_of(folder: Path, profile: str = "pixel-4") -> Setup:
    """Return what the system of a phone in this folder is made from."""
    proc = folder / "proc"
    proc.mkdir()
    return Setup(
        open_root(PhoneSpec("SERIAL", folder / "phone", "none")),
        load_profile(profile),
        Faults(),
        proc_dir=proc,
        proc_dir_inside=str(proc),
        battery=BatteryState.at(80, 4000.0, "usb"),
    )


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(setup_of(tmp_path, "oneplus-7t"))


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Ask a command that needs no process of the phone."""
    return _asking(tmp_path)


@pytest.fixture(scope="module")
def ask_only(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Ask, and change nothing: it's the same phone for all tests of a file."""
    return _asking(tmp_path_factory.mktemp("phone"))


def _asking(folder: Path) -> Ask:
    server = SystemServer(setup_of(folder))
    system = server._system
    for kind in SERVICES:
        system.get(kind)
    for name in ("storage/emulated/0", "dev/__props"):
        (system.root.root_dir / name).mkdir(parents=True)
    (system.root.root_dir / "sdcard").symlink_to("storage/emulated/0")

    def asked(command: str) -> Answer:
        call = AsideCall(shlex.split(command), "/", None, -1)

        async def answer() -> int:
            code = await server._run(call)
            return await code if inspect.isawaitable(code) else code

        code = asyncio.run(answer())
        return Answer(code, call.taken(), "".join(call.errors))

    return asked
