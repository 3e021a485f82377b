"""The link to one phone: commands with a time limit for all of it, and getting it back."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import tenacity

from harness.adb.client import Clock, Deadline
from harness.adb.errors import (
    AdbError,
    CommandFailed,
    CommandTimedOut,
    DeviceLost,
    DeviceUnauthorized,
    ServerUnavailable,
)
from harness.adb.identity import QUESTION, Identity
from harness.adb.server import AdbServer, is_tcp
from harness.adb.shell import (
    Command,
    ShellResult,
    ShellStream,
    command_text,
    open_shell,
    run_shell,
)
from harness.readings import parse_getprop

_LOG = logging.getLogger(__name__)
_SHOWN = 200
"""Characters of a command in the log; the sampler's loop has thousands."""

T = TypeVar("T")

DEFAULT_TIMEOUT_S = 30.0
_ATTEMPTS = 3
_KEY_CHECK_S = 5.0
_HANG_PROBE_S = 2.0


class PhoneLink:
    """What is said to one phone on one adb server, files apart (`harness.adb.phone`).

    Args:
        server: Where it is listed.
        adb_serial: What the server calls it.
        serial: Its own name (``ro.serialno``), used in errors; ``adb_serial`` if empty.
        identity: How to know it again under another name; None: it keeps to this one.
        clock: Monotonic clock, s.
        sleep: How to wait, s.
    """

    def __init__(
        self,
        server: AdbServer,
        adb_serial: str,
        serial: str = "",
        *,
        identity: Identity | None = None,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._identity = identity
        self.server = server
        self.adb_serial = adb_serial
        self.serial = serial or adb_serial
        self._clock = clock
        self._sleep = sleep
        self._away_since: float | None = None

    @property
    def away_s(self) -> float | None:
        """For how long it has not answered: lost (`wait_online`), or hanging; None if it does."""
        since = self._away_since
        return None if since is None else self._clock() - since

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.serial} as {self.adb_serial} on {self.server.address})"

    def shell(self, command: Command, timeout_s: float = DEFAULT_TIMEOUT_S) -> ShellResult:
        """Run a command; any exit code is a result.

        Args:
            command: Text for the phone's ``sh``, or words, each of which arrives as it is.
            timeout_s: For everything, output included.

        Raises:
            DeviceLost: The phone is gone, or its output broke off. It is not known how far the
                command came.
            CommandTimedOut: With the output so far.
        """
        began = time.monotonic()
        since = self._clock()
        try:
            result = self._run(command, timeout_s)
        except CommandTimedOut:
            self._look_whether_it_hangs(since)
            raise
        self._away_since = None
        if _LOG.isEnabledFor(logging.DEBUG):
            _LOG.debug(
                "exit code %d in %.3f s: %s",
                result.code,
                time.monotonic() - began,
                command_text(command)[:_SHOWN],
                extra={"serial": self.serial},
            )
        return result

    def _run(self, command: Command, timeout_s: float) -> ShellResult:
        return run_shell(
            self.server.client, self.adb_serial, command, timeout_s=timeout_s, serial=self.serial
        )

    def _look_whether_it_hangs(self, since: float) -> None:
        """After a command without an end: a phone that does nothing at all is away, too."""
        if self._away_since is not None:
            return
        try:
            self._run("echo alive", _HANG_PROBE_S)
        except CommandTimedOut:
            self._away_since = since
            self._log("answers no command, though it is listed as %s", self._state_or_unknown())
        except AdbError:
            return  # whoever waits for it says so

    def run(self, command: Command, timeout_s: float = DEFAULT_TIMEOUT_S) -> ShellResult:
        """Run a command that must succeed; see `shell`.

        Raises:
            CommandFailed: Its exit code was not 0.
        """
        result = self.shell(command, timeout_s)
        if result.code != 0:
            raise CommandFailed(
                serial=self.serial,
                command=command_text(command),
                code=result.code,
                stdout=result.stdout,
                stderr=result.stderr,
            )
        return result

    def query(self, command: Command, timeout_s: float = DEFAULT_TIMEOUT_S) -> str:
        """Run a command that changes nothing and return its stdout; a lost cable is tried again.

        Raises:
            CommandFailed: Its exit code was not 0.
        """
        return self.retried(lambda: self.run(command, timeout_s)).stdout

    @contextlib.contextmanager
    def stream(
        self, command: Command, start_timeout_s: float = DEFAULT_TIMEOUT_S
    ) -> Iterator[ShellStream]:
        """Start a command and give its stdout as a stream; it is hung up at the end."""
        with open_shell(
            self.server.client,
            self.adb_serial,
            command,
            timeout_s=start_timeout_s,
            serial=self.serial,
        ) as opened:
            yield opened

    def properties(self) -> dict[str, str]:
        """Return all system properties."""
        return dict(parse_getprop(self.query(["getprop"])).properties)

    def state(self) -> str:
        """Return its state as listed: ``device``, ``offline``, ``unauthorized``, ``absent`` ..."""
        return self.server.state(self.adb_serial)

    def is_online(self, timeout_s: float = 5.0) -> bool:
        """Tell whether it answers a real command (the listed state may be a dead connection's)."""
        try:
            return self.shell("echo alive", timeout_s).stdout.strip() == "alive"
        except AdbError:
            return False

    def wait_online(self, timeout_s: float, first_pause_s: float = 0.1) -> None:
        """Wait until it answers, reconnecting where that can help.

        Args:
            timeout_s: How long.
            first_pause_s: Between the first two tries; each is twice as long, up to 2 s. A try is
                half a dozen requests: whoever has waited long should start with long pauses.

        Raises:
            DeviceLost: It did not come back in time.
            DeviceUnauthorized: It has waited for a person for some seconds.
        """
        deadline = Deadline(timeout_s, self._clock)
        # a phone that USB has just enumerated anew is listed so until its key was checked
        grace = Deadline(min(timeout_s, _KEY_CHECK_S), self._clock)
        pause = first_pause_s
        began = self._clock()
        waited = False
        while not self.is_online(min(5.0, max(0.5, deadline.remaining() or 0.5))):
            if self._goes_by_another_name():
                continue
            state = self._state_or_unknown()
            if state == "unauthorized" and grace.passed:
                raise DeviceUnauthorized(
                    "unlock the phone and accept this computer's debugging key", serial=self.serial
                )
            if deadline.passed:
                raise DeviceLost(
                    f"did not answer within {timeout_s:g} s (its state is {state}); look at the "
                    "cable, the hub's power and the Wi-Fi",
                    serial=self.serial,
                )
            if self._away_since is None:
                self._away_since = began
            if not waited:
                self._log("does not answer (%s): waits for it, %g s at most", state, timeout_s)
            waited = True
            self.reconnect()
            self._sleep(min(pause, deadline.remaining() or pause))
            pause = min(pause * 2, 2.0)
        self._away_since = None
        if waited:
            self._log("answers again, after %.1f s", self._clock() - began)

    def reconnect(self) -> None:
        """Make the server reach for the phone again; whether it worked shows in `is_online`.

        A TCP phone is disconnected first, since ``connect`` alone says "already connected" of one
        that is offline. Streams that are open on it break.
        """
        with contextlib.suppress(AdbError):
            if not is_tcp(self.adb_serial):
                if self.state() == "offline":
                    self.server.reconnect_offline()
                return
            if self.state() != "device" or not self.is_online(2.0):
                self.server.disconnect(self.adb_serial)
                self.server.connect(self.adb_serial, timeout_s=5.0)

    def _goes_by_another_name(self) -> bool:
        """Reach the phone by another of its names, if it answers there (USB out, Wi-Fi still in).

        Known are the names that it had when it was looked for, and the one that mDNS gives it when
        it comes back (``adb-X (2)._adb-tls-connect._tcp``).
        """
        if self._identity is None:
            return False
        with contextlib.suppress(AdbError):
            for line in self.server.devices():
                name = line.adb_serial
                if name == self.adb_serial or line.state != "device":
                    continue
                if not self._identity.may_be(name, self.adb_serial):
                    continue
                other = PhoneLink(self.server, name, self.serial, clock=self._clock)
                if self._identity.is_of(other.shell(QUESTION, 5.0).stdout):
                    self._log("reached as %s, no longer as %s", name, self.adb_serial)
                    self.adb_serial = name
                    return True
        return False

    def _log(self, text: str, *values: object) -> None:
        _LOG.info(text, *values, extra={"serial": self.serial})

    def _state_or_unknown(self) -> str:
        try:
            return self.state()
        except AdbError:
            return "unknown"

    def retried(self, call: Callable[[], T]) -> T:
        """Do something that may be done twice; when the phone is lost, reconnect and try again.

        Only for what changes nothing, or leaves the same however often it is done.
        """

        def lost(error: BaseException) -> bool:
            return isinstance(error, (DeviceLost, ServerUnavailable)) and not isinstance(
                error, DeviceUnauthorized
            )

        def again(state: tenacity.RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome is not None else None
            self._log("try %d of %d: %s", state.attempt_number, _ATTEMPTS, error)
            self.reconnect()

        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(lost),
            stop=tenacity.stop_after_attempt(_ATTEMPTS),
            wait=tenacity.wait_exponential(multiplier=0.2, max=2.0),
            before_sleep=again,
            sleep=self._sleep,
            reraise=True,
        )(call)
