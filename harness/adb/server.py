"""adb servers: one of our own on a private port, or one that is there already.

Never sends ``kill-server``: a private server is a child process and is ended by its id, any other
one is only connected to.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import adbutils

from harness.adb.client import Client
from harness.adb.errors import AdbError, CommandTimedOut, ServerUnavailable
from harness.errors import InputError

log = logging.getLogger(__name__)

DEFAULT_ADDRESS = "127.0.0.1:5037"
_START_TIMEOUT_S = 15.0
_CALL_TIMEOUT_S = 15.0
_RESTARTS = 5
_TRANSFERS_AT_ONCE = 4
"""Pushes at once on one server: a USB hub divides its throughput, more only adds time-outs."""

# Ends the server when our end of the pipe closes, so also when this process is killed. `read` and
# not `cat`, so that nothing is left behind when the server ends first.
_WATCHER = """
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
{ read -r _ <&3; kill "$server" 2>/dev/null; } &
watch=$!
wait "$server"; code=$?
kill "$watch" 2>/dev/null
exit "$code"
"""


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


@dataclass(frozen=True)
class Listed:
    """A line of ``adb devices -l``."""

    adb_serial: str
    state: str
    """``device``, ``offline``, ``unauthorized``, ``no permissions``, ``recovery`` ..."""
    tags: Mapping[str, str]


class AdbServer:
    """One adb server.

    Make one with `start_private`, `existing` or `start_default`; `close` ends a private one.

    Attributes:
        host: Where it listens.
        port: Where it listens.
        binary: The adb binary for the stock client.
        transfers: At most this many pushes at once.
    """

    def __init__(self, host: str, port: int, *, binary: Path | None = None) -> None:
        self.host = host
        self.port = port
        self.binary = binary
        self.transfers = threading.BoundedSemaphore(_TRANSFERS_AT_ONCE)
        self.client = Client(host, port)
        self._child: _Child | None = None

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"{self.host}:{self.port}"

    @property
    def private(self) -> bool:
        """Whether it is ours and ends with us."""
        return self._child is not None

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
        binary = adb_binary()
        server = cls("127.0.0.1", 0, binary=binary)
        server._child = _Child(server, binary, folder)
        server._child.start()
        return server

    def environment(self) -> dict[str, str]:
        """Return an environment in which the stock adb client talks to this server."""
        env = {k: v for k, v in os.environ.items() if not k.startswith(("ADB_", "ANDROID_"))}
        if self._child is not None:
            env.update(HOME=str(self._child.home), TMPDIR=str(self._child.home))
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
        return parse_devices(text)

    def state(self, adb_serial: str) -> str:
        """Return the state of a phone, ``absent`` if it is not listed."""
        found = [one.state for one in self.devices() if one.adb_serial == adb_serial]
        return found[0] if found else "absent"

    def connect(self, address: str, timeout_s: float = _CALL_TIMEOUT_S) -> None:
        """Add a phone by its TCP address.

        Raises:
            AdbError: It did not work, with what the server said.
        """
        with self.client.request(f"host:connect:{address}", timeout_s=timeout_s) as connection:
            said = connection.read_string_block()
        if not said.startswith(("connected to", "already connected")):
            raise AdbError(said.strip(), serial=address, command="connect")

    def disconnect(self, address: str, timeout_s: float = _CALL_TIMEOUT_S) -> None:
        """Drop a phone added by its TCP address; nothing happens if it is not there."""
        # "no such device" is the one answer that comes as a failure
        with (
            contextlib.suppress(AdbError),
            self.client.request(f"host:disconnect:{address}", timeout_s=timeout_s) as connection,
        ):
            connection.read_string_block()

    def reconnect_offline(self, timeout_s: float = _CALL_TIMEOUT_S) -> None:
        """Make the server reach again for every phone that is listed as offline."""
        with self.client.request("host:reconnect-offline", timeout_s=timeout_s) as connection:
            connection.read_string_block()

    def close(self) -> None:
        """End the server if it is ours; otherwise nothing."""
        if self._child is not None:
            self._child.stop()

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


class _Child:
    """The process of a private server, started again if it dies."""

    def __init__(self, server: AdbServer, binary: Path, folder: Path | None) -> None:
        self._server = server
        self._binary = binary
        self._temporary = None
        if folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="mobileasr-adb-")
            folder = Path(self._temporary.name)
        folder.mkdir(parents=True, exist_ok=True)
        self.home = folder.resolve()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None
        self.restarts = 0

    def start(self) -> None:
        """Start it on a free port and wait until it answers."""
        said = ""
        for _ in range(3):  # another process may take the port between choosing and binding it
            self._server.port = _free_port()
            self._server.client = Client(self._server.host, self._server.port)
            if self._launch():
                self._watcher = threading.Thread(
                    target=self._supervise, name=f"adb-{self._server.port}", daemon=True
                )
                self._watcher.start()
                return
            said = self._said()
        self._clean()
        raise ServerUnavailable(f"the adb server did not start: {said or 'it said nothing'}")

    def stop(self) -> None:
        """End it and remove its temporary home. Idempotent."""
        self._stopping.set()
        self._end_process()
        if self._watcher is not None:
            self._watcher.join(_START_TIMEOUT_S)
            self._watcher = None
        self._clean()

    def _launch(self) -> bool:
        log_file = self.home / "server.log"
        env = {k: v for k, v in os.environ.items() if not k.startswith(("ADB_", "ANDROID_"))}
        env.update(
            HOME=str(self.home),
            TMPDIR=str(self.home),
            ADB_MDNS="0",
            ADB_MDNS_AUTO_CONNECT="0",
            ADB_EMU="0",
            ADB_USB="0",
            ADB_LOCAL_TRANSPORT_MAX_PORT="5553",  # below the first emulator port: scan none
            ADB_REJECT_KILL_SERVER="1",
        )
        adb = [str(self._binary), "-P", str(self._server.port), "nodaemon", "server"]
        with log_file.open("ab") as stderr:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _WATCHER, "sh", *adb],
                stdin=subprocess.PIPE,
                stdout=stderr,
                stderr=stderr,
                env=env,
                cwd=self.home,
                start_new_session=True,  # Ctrl-C is for the run, which still needs its phones
            )
        end = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < end and self._process.poll() is None:
            with contextlib.suppress(AdbError):
                self._server.version()
                return True
            time.sleep(0.02)
        self._end_process()
        return False

    def _supervise(self) -> None:
        while not self._stopping.is_set():
            process = self._process
            assert process is not None
            code = process.wait()
            if self._stopping.is_set():
                return
            self.restarts += 1
            log.warning("adb server %s ended (%s): %s", self._server.address, code, self._said())
            if self.restarts > _RESTARTS or not self._launch():
                log.error("adb server %s is given up", self._server.address)
                return

    def _end_process(self) -> None:
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        try:
            process.wait(5.0)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)  # its own session: nothing else is in this group
            process.wait()

    def _said(self) -> str:
        with contextlib.suppress(OSError):
            lines = (self.home / "server.log").read_text("utf-8", "replace").splitlines()
            return " / ".join(lines[-3:])
        return ""

    def _clean(self) -> None:
        if self._temporary is not None:
            self._temporary.cleanup()


@contextlib.contextmanager
def private_server(folder: Path | None = None) -> Iterator[AdbServer]:
    """A private server for as long as the context lasts; see `AdbServer.start_private`."""
    server = AdbServer.start_private(folder=folder)
    try:
        yield server
    finally:
        server.close()


def parse_devices(text: str) -> list[Listed]:
    """Read the output of ``host:devices-l``.

    The serial may hold spaces (mDNS names) and the state too (``no permissions (...); see [...]``),
    so the line is split where the server pads: before the state.
    """
    listed = []
    for line in text.splitlines():
        serial, _, rest = _split_serial(line)
        if not rest:
            continue
        tags = dict(
            word.split(":", 1)
            for word in rest.split()
            if ":" in word and word.split(":", 1)[0] in _TAGS
        )
        state = rest
        for name in ("no permissions", *rest.split()[:1]):
            if rest.startswith(name):
                state = name
                break
        listed.append(Listed(serial, state, tags))
    return listed


_TAGS = ("usb", "product", "model", "device", "transport_id", "features")


def _split_serial(line: str) -> tuple[str, str, str]:
    if "\t" in line:
        return line.partition("\t")
    # devices-l pads the serial to 22 columns; a longer one is followed by a single space
    if len(line) > 22 and line[21] == " ":
        return line[:22].rstrip(), " ", line[22:].strip()
    serial, gap, rest = line.partition(" ")
    return serial, gap, rest.strip()


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


def _free_port() -> int:
    """Return a free port, not one that adb itself scans for emulators (5555 to 5585)."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if not 5554 <= port <= 5586:
            return port
