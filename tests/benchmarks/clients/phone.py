"""A fresh virtual phone on an adb server of its own, for one client."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.adb.server import AdbServer, adb_binary
from tests.fixtures.data.apk import write_apk

TREE = Path(__file__).resolve().parents[3]
APK_PACKAGE = "org.example.judged"
PROFILE = "pixel-4"
"""What the scripts expect of the phone is this model's."""
_STOP_S = 30.0


class NoPhoneError(RuntimeError):
    """There is no virtual phone to ask about."""


@dataclass(frozen=True)
class JudgedPhone:
    """What a client is told of its phone.

    Attributes:
        server_port: Port of the private adb server.
        adb_serial: As this server lists it.
        folder: An empty folder on the host, the client's home and temporary folder too.
        environment: Of the client's process: stock adb on PATH, the server, the home.
    """

    server_port: int
    adb_serial: str
    folder: Path
    environment: dict[str, str]


@contextlib.contextmanager
def fresh_phone(tree: Path = TREE) -> Iterator[JudgedPhone]:
    """Start a server and a phone; both end with the context.

    Args:
        tree: Checkout whose virtual phones are used.

    Raises:
        NoPhoneError: The farm did not start.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="client-")))
        server = stack.enter_context(contextlib.closing(AdbServer.start_private()))
        environment = {**server.environment(), "MOBILEASR_LAB_CACHE": str(folder / "farm")}
        farm = subprocess.Popen(
            [sys.executable, "-m", "harness.virtual.farm", "--json", "--until-stdin-closes",
             "--adb-port", str(server.port), "--profile", PROFILE],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tree,
            env={**os.environ, "MOBILEASR_LAB_CACHE": str(folder / "farm"),
                 "PYTHONPATH": str(tree)},
        )  # fmt: skip
        assert farm.stdin is not None
        assert farm.stdout is not None
        stack.callback(farm.wait, _STOP_S)
        stack.callback(farm.stdin.close)
        lines = [json.loads(farm.stdout.readline() or "{}") for _ in range(2)]
        if not lines[1].get("ready"):
            raise NoPhoneError(f"the virtual phones of {tree} did not start, see above")
        yield JudgedPhone(
            server.port,
            lines[0]["adb_serial"],
            folder,
            _environment(environment, folder, server.port, lines[0]["adb_serial"]),
        )


def _environment(base: dict[str, str], folder: Path, port: int, serial: str) -> dict[str, str]:
    """Return the environment of a lab's computer, as the clients expect it."""
    tools = folder / "tools"
    home = folder / "home"
    sdk = folder / "sdk"
    for made in (tools, home, sdk / "platform-tools"):
        made.mkdir(parents=True)
    for place in (tools, sdk / "platform-tools"):
        (place / "adb").symlink_to(adb_binary())
    for name in ("aapt", "aapt2", "zipalign", "apksigner"):
        found = shutil.which(name)
        if found:
            place = sdk / "build-tools/35.0.0"
            place.mkdir(parents=True, exist_ok=True)
            (place / name).symlink_to(found)
    return {
        **base,
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "TMPDIR": str(home),
        "ANDROID_HOME": str(sdk),
        "ANDROID_SDK_ROOT": str(sdk),
        "ANDROID_SERIAL": serial,
        "ADBUTILS_ADB_PATH": str(adb_binary()),
        "ADB_SERVER_PORT": str(port),
        "PHONE_SERIAL": serial,
        "PHONE_PORT": serial.rpartition(":")[2],
        "APK": str(write_apk(folder / "judged.apk", APK_PACKAGE, version_name="1.5")),
        "APK_PACKAGE": APK_PACKAGE,
        "SCRATCH": str(home),
    }
