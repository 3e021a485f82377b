"""adb servers: one of our own on a private port, or one that is there already.

Never sends ``kill-server``: a private server is a child process and is ended by its id, any other
one is only connected to.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType

import adbutils

from harness.adb.client import Client
from harness.adb.errors import AdbError, CommandTimedOut, ServerUnavailable
from harness.adb.listing import Listed, parse_devices
from harness.adb.private import ServerProcess
from harness.adb.turns import Turns, at_once, hub_of
from harness.errors import InputError

_START_TIMEOUT_S = 15.0
_CALL_TIMEOUT_S = 15.0


def adb_binary() -> Path:
    """Return the adb binary: ``ADBUTILS_ADB_PATH``, else the wheel's own, else the one on PATH.

    Raises:
        ServerUnavailable: There is none.
    """
    named = os.environ.get("ADBUTILS_ADB_PATH")
    bundled = Path(adbutils.__file__).parent / "binaries" / "adb"
    found = named or (str(bundled) if bundled.is_file() else shutil.which("adb"))
    if found is None or not Path(found).is_file():
        raise ServerUnavailable(
            "no adb binary: the adbutils wheel of this platform brings none; install adb, or set "
            "ADBUTILS_ADB_PATH"
        )
    return Path(found)


class AdbServer:
    """One adb server.

    Make one with `start_private`, `existing` or `start_default`; `close` ends a private one.

    Attributes:
        host: Where it listens.
        port: Where it listens.
        binary: The adb binary for the stock client.
        pushes: Whose turn it is to be pushed to, hub by hub.
    """

    def __init__(self, host: str, port: int, *, binary: Path | None = None) -> None:
        self.host = host
        self.port = port
        self.binary = binary
        self.pushes = Turns(at_once())
        self.client = Client(host, port)
        self._process: ServerProcess | None = None
        self._by_tcp: set[str] = set()

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"{self.host}:{self.port}"

    @property
    def private(self) -> bool:
        """Whether it is ours and ends with us."""
        return self._process is not None

    @classmethod
    def existing(cls, address: str | None = None) -> AdbServer:
        """Use a server that runs already; nothing is started.

        Args:
            address: ``host:port`` or a port; None for adb's own environment variables
                (``ADB_SERVER_SOCKET``, ``ANDROID_ADB_SERVER_ADDRESS`` and ``..._PORT``), else
                127.0.0.1:5037.

        Raises:
            InputError: The address is not one.
            ServerUnavailable: Nothing answers there.
        """
        host, port = parse_address(address or default_address())
        server = cls(host, port)
        server.version()
        return server

    @classmethod
    def start_default(cls, address: str | None = None) -> AdbServer:
        """As `existing`, but start the user's own server with stock adb if none runs there.

        Only for a user who asked for real phones: the server stays when we leave, as adb's do.
        """
        host, port = parse_address(address or default_address())
        try:
            return cls.existing(f"{host}:{port}")
        except ServerUnavailable:
            if host not in ("127.0.0.1", "localhost"):
                raise
        command = [str(adb_binary()), "-P", str(port), "start-server"]
        try:
            done = subprocess.run(
                command, capture_output=True, timeout=_START_TIMEOUT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ServerUnavailable(f"adb start-server did not work: {error}") from error
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip()
            raise ServerUnavailable(f"adb start-server failed: {said}")
        return cls.existing(f"{host}:{port}")

    @classmethod
    def start_private(cls, *, folder: Path | None = None) -> AdbServer:
        """Start a server of our own on a free loopback port, with a home folder of its own.

        It sees no USB phone and no emulator, so it takes none away from the user's server; phones
        are added with `connect`. If it dies it is started again on the same port.

        Args:
            folder: Home of the server (keys, log); a temporary one if None.

        Raises:
            ServerUnavailable: It did not start.
        """
        host = "127.0.0.1"
        server: AdbServer | None = None

        def answers(port: int) -> bool:
            with contextlib.suppress(AdbError):
                return cls(host, port).version() > 0
            return False

        def restarted() -> None:
            if server is not None:
                server._reconnect_all()

        binary = adb_binary()
        process = ServerProcess(binary, folder, answers, restarted)
        process.start()
        server = cls(host, process.port, binary=binary)
        server._process = process
        return server

    def environment(self) -> dict[str, str]:
        """Return an environment in which the stock adb client talks to this server."""
        env = {k: v for k, v in os.environ.items() if not k.startswith(("ADB_", "ANDROID_"))}
        if self._process is not None:
            env.update(HOME=str(self._process.home), TMPDIR=str(self._process.home))
        env.update(
            ANDROID_ADB_SERVER_ADDRESS=self.host,
            ANDROID_ADB_SERVER_PORT=str(self.port),
            ADB_MDNS_AUTO_CONNECT="0",
        )
        return env

    def adb(self, *arguments: str, timeout_s: float = 60.0) -> subprocess.CompletedProcess[bytes]:
        """Run the stock adb client against this server; returns whatever its exit code.

        Raises:
            CommandTimedOut: It did not end in time.
        """
        command = [str(self.binary or adb_binary()), *arguments]
        try:
            return subprocess.run(
                command,
                env=self.environment(),
                capture_output=True,
                timeout=timeout_s,
                stdin=subprocess.DEVNULL,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise CommandTimedOut(
                serial="", command=" ".join(command), timeout_s=timeout_s
            ) from error

    def version(self) -> int:
        """Return the server's protocol version (41 for adb 29 to 36).

        Raises:
            ServerUnavailable: Nothing answers.
        """
        with self.client.request("host:version", timeout_s=_CALL_TIMEOUT_S) as connection:
            return int(connection.read_string_block(), 16)

    def devices(self) -> list[Listed]:
        """Return what the server lists, in any state."""
        with self.client.request("host:devices-l", timeout_s=_CALL_TIMEOUT_S) as connection:
            text = connection.read_string_block()
        devices = parse_devices(text)
        self._by_tcp.update(device.adb_serial for device in devices if is_tcp(device.adb_serial))
        return devices

    def state(self, adb_serial: str) -> str:
        """Return the state of a phone, ``absent`` if it is not listed."""
        states = [device.state for device in self.devices() if device.adb_serial == adb_serial]
        return states[0] if states else "absent"

    def hub(self, adb_serial: str) -> str:
        """Return the hub that a phone hangs on now; phones without a USB path share one."""
        paths = [
            device.tags.get("usb", "")
            for device in self.devices()
            if device.adb_serial == adb_serial
        ]
        return hub_of(paths[0]) if paths else ""

    def connect(self, address: str, timeout_s: float = _CALL_TIMEOUT_S) -> None:
        """Add a phone by its TCP address.

        Raises:
            AdbError: It did not work, with what the server said.
        """
        with self.client.request(f"host:connect:{address}", timeout_s=timeout_s) as connection:
            said = connection.read_string_block()
        if not said.startswith(("connected to", "already connected")):
            raise AdbError(said.strip(), serial=address, command="connect")
        self._by_tcp.add(address)

    def disconnect(self, address: str, timeout_s: float = _CALL_TIMEOUT_S) -> None:
        """Drop a phone added by its TCP address; nothing happens if it is not there."""
        self._by_tcp.discard(address)
        # "no such device" is the one answer that comes as a failure
        with (
            contextlib.suppress(AdbError),
            self.client.request(f"host:disconnect:{address}", timeout_s=timeout_s) as connection,
        ):
            connection.read_string_block()

    def _reconnect_all(self) -> None:
        """Add the TCP phones again that a server knew before it died.

        One that does not come is tried again after the others; who needs it asks later, too
        (``Link.reconnect``).
        """
        waiting = sorted(self._by_tcp)
        for _ in range(3):
            waiting = [address for address in waiting if not self._comes_back(address)]
            if waiting:
                time.sleep(0.5)

    def _comes_back(self, address: str) -> bool:
        try:
            self.connect(address, timeout_s=5.0)
        except AdbError:
            return False
        return True

    def reconnect_offline(self, timeout_s: float = _CALL_TIMEOUT_S) -> None:
        """Make the server reach again for every phone that is listed as offline."""
        with self.client.request("host:reconnect-offline", timeout_s=timeout_s) as connection:
            connection.read_string_block()

    def close(self) -> None:
        """End the server if it is ours; otherwise nothing."""
        if self._process is not None:
            self._process.stop()

    def __enter__(self) -> AdbServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"AdbServer({self.address}{', private' if self.private else ''})"


_TCP_SERIAL = re.compile(r"(?:\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}")


def is_tcp(adb_serial: str) -> bool:
    """Tell whether a phone is connected by ``host:port``."""
    return _TCP_SERIAL.fullmatch(adb_serial) is not None


def default_address() -> str:
    """Return the address that the stock client would use here."""
    named = os.environ.get("ADB_SERVER_SOCKET", "")
    if named.startswith("tcp:"):
        return named.removeprefix("tcp:")
    host = os.environ.get("ANDROID_ADB_SERVER_ADDRESS") or "127.0.0.1"
    return f"{host}:{os.environ.get('ANDROID_ADB_SERVER_PORT') or 5037}"


def parse_address(text: str) -> tuple[str, int]:
    """Split ``host:port`` (or a port alone).

    Raises:
        InputError: It is neither.
    """
    host, _, port = text.rpartition(":")
    if port.isdigit() and 0 < int(port) < 65_536:
        return host.strip("[]") or "127.0.0.1", int(port)
    raise InputError(f"not an address of an adb server: {text!r}", hint="Write host:port.")
