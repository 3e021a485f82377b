"""The process of a private adb server: found a port, watched, started again, ended by its id."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from harness.adb.errors import ServerUnavailable

log = logging.getLogger(__name__)

_START_TIMEOUT_S = 15.0
_RESTARTS = 5

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


class ServerProcess:
    """The process of a private server.

    Args:
        binary: The adb binary.
        folder: Home of the server (keys, log); a temporary one if None.
        answers: Tells whether a server answers on a port.
        restarted: Called after the server died and was started again.

    Attributes:
        port: Where it listens; 0 before `start`.
        home: Its home folder.
        restarts: How often it died.
    """

    def __init__(
        self,
        binary: Path,
        folder: Path | None,
        answers: Callable[[int], bool],
        restarted: Callable[[], None],
    ) -> None:
        self._binary = binary
        self._answers = answers
        self._restarted = restarted
        self._temporary = None
        if folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="mobileasr-adb-")
            folder = Path(self._temporary.name)
        folder.mkdir(parents=True, exist_ok=True)
        self.home = folder.resolve()
        self.port = 0
        self.restarts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None

    @property
    def alive(self) -> bool:
        """Whether it runs now."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it on a free port and wait until it answers.

        Raises:
            ServerUnavailable: It did not, with what it said.
        """
        said = ""
        for _ in range(3):  # another process may take the port between choosing and binding it
            self.port = free_port()
            if self._launch():
                self._watcher = threading.Thread(
                    target=self._supervise, name=f"adb-{self.port}", daemon=True
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
            self._end_process()  # the watcher may just have started another
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
        adb = [str(self._binary), "-P", str(self.port), "nodaemon", "server"]
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
            if self._answers(self.port):
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
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)  # a server whose watcher died keeps the port
            self.restarts += 1
            log.warning("adb server on port %d ended (%s): %s", self.port, code, self._said())
            if self.restarts > _RESTARTS or not self._launch():
                log.error("adb server on port %d is given up", self.port)
                return
            if not self._stopping.is_set():
                self._restarted()

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


def free_port() -> int:
    """Return a free port, not one that adb itself scans for emulators (5555 to 5585)."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if not 5554 <= port <= 5586:
            return port
