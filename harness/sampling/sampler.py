"""The host's side of the one-second samples: setup, start, stop, teardown, following between.

The loop runs on the phone by itself (``loop.sh``); here its file is followed. A lost cable costs
nothing: the phone goes on writing, and the follower goes on from where it was.
"""

from __future__ import annotations

import contextlib
import contextvars
import logging
import secrets
import shlex
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from harness.adb.errors import AdbError, DeviceLost
from harness.adb.follow import FileFollower, LinkLoss
from harness.adb.phone import Phone
from harness.adb.transfer import LocalFile
from harness.errors import HarnessError
from harness.results.files import StoreError
from harness.results.files import said as stored
from harness.results.model import SamplingRecord
from harness.sampling.configuration import configuration
from harness.sampling.frames import FrameReader
from harness.sampling.probe import Capabilities, parse_probe, probe_command
from harness.sampling.rows import KB, Collected, collect, phase_intervals
from harness.sampling.samples import Series
from harness.sampling.settings import SamplerSettings
from harness.sampling.tail import Tail

DEFAULTS = SamplerSettings()

_LOG = logging.getLogger(__name__)
_START_LIMIT_S = 10.0
_RETRY_S = 10.0
_READ_S = 10.0
_PROOFS = 3
"""How often the samples are compared with those on the phone, and read again if they differ."""


class SamplingError(HarnessError):
    """The sampler cannot run on this phone, or does not end."""


class Sampler:
    """Samples one phone once a period while an attempt runs.

    Args:
        phone: The phone.
        folder: Its folder on the phone (made; removed by `teardown`).
        local: File on this host that gets the raw frames as they come.
        settings: How it is sampled.
        capabilities: What the phone lets us read, if that is known; else `setup` tries it.
        monotonic: Clock of this host, in seconds.
    """

    def __init__(
        self,
        phone: Phone,
        folder: str,
        local: Path,
        settings: SamplerSettings = DEFAULTS,
        *,
        capabilities: Capabilities | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._phone = phone
        self._folder = folder.rstrip("/")
        self._local = local
        self._settings = settings
        self._monotonic = monotonic
        self._series = Series()
        self._reader = FrameReader()
        self._read_bytes = 0
        self._offset = 0
        self._token = f"#s{secrets.token_hex(4)}"
        self._tail = Tail(self._token)
        self._heard_s: float | None = None
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._ending = threading.Event()
        self._said_stopped = threading.Event()
        self._first = threading.Event()
        self._losses: Sequence[LinkLoss] = ()
        self._follower: FileFollower | None = None
        self._until_ms: int | None = None
        self._set_up = False
        self.trouble: StoreError | None = None
        """Why this host cannot write what is sampled; nothing is followed any more."""
        self.capabilities = capabilities
        """What the phone lets us read; known after `setup`."""
        self.notes: list[str] = []
        """Things a reader of the result must know, in words."""

    # --- the four words -----------------------------------------------------------------------

    def setup(self) -> None:
        """Find out what can be read, and put the loop on the phone.

        Raises:
            SamplingError: Neither memory nor CPU can be read.
            AdbError: The phone is lost or refuses the files.
        """
        capabilities = self.capabilities
        if capabilities is None:
            answer = self._phone.query(probe_command(self._settings.proc_dir), timeout_s=60.0)
            capabilities = self.capabilities = parse_probe(answer)
        if not capabilities.meminfo and capabilities.stat_mode == "none":
            raise SamplingError(
                f"{self._phone.serial}: neither {self._settings.proc_dir}/meminfo nor "
                f"{self._settings.proc_dir}/stat can be read"
            )
        self.notes.extend(f"not sampled on this phone: {name}" for name in capabilities.absent)
        self._phone.make_folder(self._folder)
        # A loop of an earlier host in the same folder has to end before its file may go.
        self._phone.query(
            f"cd {shlex.quote(self._folder)} && "
            "{ [ ! -e lock ] || { touch stop; sleep 2; }; rm -f samples.txt stop; }"
        )
        script = resources.files("harness.sampling").joinpath("loop.sh").read_text("utf-8")
        self._phone.write_text(f"{self._folder}/loop.sh", script, mode=0o755)
        text = configuration(self._token, self._settings, capabilities)
        self._phone.write_text(f"{self._folder}/sampler.conf", text)
        self._set_up = True

    def start(self) -> None:
        """Start the loop, detached, and follow it. Prepares the phone if `setup` was not called.

        Raises:
            SamplingError: The loop does not start.
            StoreError: What is sampled cannot be written here.
        """
        if not self._set_up:
            self.setup()
        self._local.parent.mkdir(parents=True, exist_ok=True)
        self._local.write_bytes(b"")
        self._run_loop()

    def rejoin(self) -> None:
        """Follow a loop that an earlier process started, from the byte up to which that one came.

        A loop that has ended meanwhile (its lease ran out) is started again into the same file.

        Raises:
            SamplingError: There is no loop to be followed.
            AdbError: The phone is lost.
        """
        text = self._phone.query(f"cat {shlex.quote(self._folder)}/sampler.conf")
        token = next((line for line in text.splitlines() if line.startswith("TOKEN=")), "")
        if not token:
            raise SamplingError(f"{self._phone.serial}: nobody sampled in {self._folder}")
        self._token = shlex.split(token)[0].partition("=")[2]
        self._tail = Tail(self._token)
        self._local.parent.mkdir(parents=True, exist_ok=True)
        self._local.touch()
        with self._local.open("rb") as raw:
            while data := raw.read(1 << 20):
                self._tail.feed(data)
        self._offset = self._local.stat().st_size
        if self.capabilities is not None:
            absent = self.capabilities.absent
            self.notes.extend(f"not sampled on this phone: {name}" for name in absent)
        self._set_up = True
        self._run_loop()

    def _run_loop(self) -> None:
        folder = shlex.quote(self._folder)
        # Done twice after a lost cable, the second loop finds the first one's lock and ends.
        self._phone.query(
            f"cd {folder} && {self._lease_command()} && "
            "{ setsid nohup sh ./loop.sh </dev/null >>loop.log 2>&1 & }"
        )
        self._thread = threading.Thread(
            target=contextvars.copy_context().run,  # its records are about the same attempt
            args=(self._follow,),
            name=f"sampler-{self._phone.serial}",
            daemon=True,
        )
        self._thread.start()
        if not self._first.wait(_START_LIMIT_S + self._settings.period_s):
            message = ""
            with contextlib.suppress(AdbError):
                message = self._phone.shell(f"cat {folder}/loop.log").stdout.strip()[:300]
            self._end_thread()
            raise SamplingError(
                f"{self._phone.serial}: the sampler wrote nothing within {_START_LIMIT_S:g} s: "
                f"{message or 'no message'}"
            )
        if self.trouble is not None:
            raise self.trouble

    def stop(self) -> None:
        """End the loop and take what is left; a second call does nothing.

        A phone that stays lost is not an error here: what came before counts, `notes` say so, and
        the loop on the phone ends when its lease runs out.
        """
        if self._thread is None or self._ending.is_set():
            return
        self._stopping.set()
        reached = self._ask_to_stop()
        if self._follower is not None:
            self._follower.hurry()
        if reached and not self._said_stopped.wait(self._settings.period_s + 10.0):
            self._kill_loop()
        if not reached and self._follower is not None:
            self._follower.stop()  # there is nobody to drain from, and it would wait for minutes
        self._end_thread()
        if reached:
            self._prove()
        self.notes.extend(self.series.notes)
        for loss in self._losses:
            _LOG.info(
                "%s: %.1f s without a link (%s)", self._phone.serial, loss.seconds, loss.reason
            )

    def teardown(self) -> None:
        """Remove the sampler's folder from the phone; ends the loop if it still runs."""
        self.stop()
        self._phone.remove([self._folder])

    # --- what it has seen -------------------------------------------------------------------------

    @property
    def origin_boot_ms(self) -> int | None:
        """Boot time of the first sample; None before there is one."""
        samples = self.series.samples
        return samples[0].start_ms if samples else None

    def available_mb(self) -> float | None:
        """Return the newest MemAvailable seen."""
        with self._lock:
            value = self._tail.available_kb()
        return None if value is None else value / KB

    def sample_age_s(self) -> float | None:
        """Return how long ago the phone was last heard of; None if it was not, by this process."""
        with self._lock:
            return None if self._heard_s is None else time.monotonic() - self._heard_s

    def collect(self, events: Iterable[Any] = ()) -> Collected:
        """Return all samples with the phases that ``events`` tell, their fidelity, and peak RSS."""
        return collect(self.series, phase_intervals(events), self._until_ms)

    def table(self, events: Iterable[Any] = ()) -> tuple[pa.Table, SamplingRecord]:
        """Return the table and its fidelity; see `collect`.

        Raises:
            SamplingError: There is not one sample.
        """
        collected = self.collect(events)
        if collected.record is None:
            raise SamplingError(f"{self._phone.serial}: not one sample was taken")
        return collected.table, collected.record

    @property
    def series(self) -> Series:
        """All that the sampler said so far: read from the file now, as far as it is new."""
        with self._lock:
            if self._local.exists():
                with self._local.open("rb") as raw:
                    raw.seek(self._read_bytes)
                    data = raw.read()
                self._read_bytes += len(data)
                for item in self._reader.feed(data):
                    self._series.add(item)
                self._series.dropped = self._reader.dropped
            return self._series

    # --- parts ------------------------------------------------------------------------------------

    def _lease_command(self) -> str:
        seconds = max(1, round(self._settings.lease_s))
        return f"read up idle < /proc/uptime && echo $((${{up%%.*}} + {seconds})) > lease"

    def _follow(self) -> None:
        try:
            with stored(self._local, "write"):
                self._follow_file()
        except StoreError as error:
            self.trouble = error
            self._first.set()

    def _follow_file(self) -> None:
        renewed = self._monotonic()
        path = f"{self._folder}/samples.txt"
        gathered = FileFollower(self._phone, path, self._offset, gather_s=self._settings.gather_s)
        with gathered as follower, self._local.open("ab") as raw:
            self._losses = follower.losses
            self._follower = follower
            while not self._ending.is_set() and not self._over():
                self._take(self._next(follower), raw)
                if self._monotonic() - renewed > self._settings.lease_s / 5:
                    self._renew()
                    renewed = self._monotonic()
            with contextlib.suppress(AdbError):
                self._take(follower.drain(limit_s=self._settings.stop_limit_s), raw)

    def _over(self) -> bool:
        """The loop has said its last word, as it was asked to."""
        return self._stopping.is_set() and self._said_stopped.is_set()

    def _next(self, follower: FileFollower) -> bytes:
        try:
            # Long waits: each look without a byte costs as much as one that brings a frame.
            return follower.read(_READ_S if not self._stopping.is_set() else 0.2)
        except AdbError as error:
            # Lost for long: the loop goes on on the phone, so go on asking.
            _LOG.info("%s: samples cannot be followed: %s", self._phone.serial, error)
            self._ending.wait(_RETRY_S)
            return b""

    def _renew(self) -> None:
        try:
            self._phone.shell(f"cd {shlex.quote(self._folder)} && {self._lease_command()}", 10.0)
        except AdbError as error:
            _LOG.info("%s: the lease was not renewed: %s", self._phone.serial, error)

    def _take(self, data: bytes, raw: BinaryIO) -> None:
        if not data:
            return
        raw.write(data)
        raw.flush()
        with self._lock:
            self._tail.feed(data)
            self._heard_s = time.monotonic()
        if self._tail.begun:
            self._first.set()
        if self._tail.stopped:
            self._said_stopped.set()
        else:
            self._said_stopped.clear()

    def _ask_to_stop(self) -> bool:
        """Make the stop file; whether the phone took it."""
        command = f"cat /proc/uptime && touch {shlex.quote(self._folder)}/stop"
        try:
            try:
                answer = self._phone.query(command, timeout_s=15.0)
            except DeviceLost:
                self._phone.wait_online(self._settings.stop_limit_s)
                answer = self._phone.query(command, timeout_s=15.0)
            self._until_ms = round(float(answer.split()[0]) * 1000)
        except (AdbError, ValueError, IndexError) as error:
            self.notes.append(f"the sampler could not be told to stop: {error}")
            return False
        return True

    def _kill_loop(self) -> None:
        """End a loop that does not heed its stop file, if it is still ours and still there."""
        if self._said_stopped.is_set():
            return
        folder = shlex.quote(self._folder)
        with contextlib.suppress(AdbError):
            self._phone.shell(f"read pid start < {folder}/lock && kill $pid", 10.0)
            self.notes.append("the sampler did not stop by itself and was killed")

    def _prove(self) -> None:
        """See that what came is what lies on the phone; what is not is read again from there.

        A cable that turns one digit into another leaves frames that can be read and are wrong.
        """
        fetched = False
        for _ in range(_PROOFS):
            with contextlib.suppress(AdbError):
                if self._is_whole():
                    if fetched:
                        self.notes.append("samples came damaged and were read again")
                    return
                self._read_again()
                fetched = True
        self.notes.append("the samples could not be compared with those on the phone")

    def _is_whole(self) -> bool:
        path = shlex.quote(f"{self._folder}/samples.txt")
        answer = self._phone.query(f"sha256sum {path}", timeout_s=60.0).split()
        return answer[:1] == [LocalFile.of(self._local).sha256]

    def _read_again(self) -> None:
        again = self._local.with_name(f".{self._local.name}.again")
        self._phone.pull_file(f"{self._folder}/samples.txt", again)
        with self._lock:
            again.replace(self._local)
            self._series, self._reader, self._read_bytes = Series(), FrameReader(), 0

    def _end_thread(self) -> None:
        self._ending.set()
        if self._thread is not None:
            self._thread.join(self._settings.stop_limit_s + 30.0)
