"""Virtual phones that outlive the host of a run, and a scenario for them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.adb.errors import AdbError
from harness.adb.server import AdbServer
from harness.lab import Bench
from harness.virtual.farmctl import FarmControl
from tests.chaos.host import host_bench
from tests.fixtures.jobs import WORDS, tone_line

RESTART_LIMIT_S = 30.0
SCENARIO = """\
name: chaos
model: ds2-tiny
data: {{manifest: noise.jsonl, speaker: noise}}
gates: "off"
trainer:
  batch_size: 2
  epochs: {epochs}
  threads: 1
  stop: {{patience: 100000, available_below_mb: 0, battery_below_percent: 0}}
limits: {{lost_s: {lost_s}, stall_s: 300, start_s: 300}}
retry: {{lost_phone: {retries}, provision_failed: {retries}, trainer_stalled: {retries}}}
pressure: {pressure}
matrix:
  trainer.seed: {seeds}
"""


@dataclass(frozen=True)
class ChaosLab:
    """Phones on an adb server, both of this process; runs may come and go.

    Args:
        server: A private adb server; started again if it is killed.
        control: Of the farm.
        folder: Where scenario, leases and runs lie.
        adb_serials: The phones as the server calls them.
        farm_pid: Of the process below which the phones run.
    """

    server: AdbServer
    control: FarmControl
    folder: Path
    adb_serials: tuple[str, ...]
    farm_pid: int

    @property
    def server_pid(self) -> int:
        """Process of the adb server that runs now."""
        keeper = self.server._process
        assert keeper is not None
        assert keeper._process is not None
        return keeper._process.pid

    @property
    def scenario(self) -> Path:
        """The scenario file."""
        return self.folder / "chaos.yaml"

    @property
    def runs(self) -> Path:
        """Where run folders are made."""
        return self.folder / "runs"

    def bench(self) -> Bench:
        """Find the phones as a host does."""
        return host_bench(self.server.address, self.folder, self.adb_serials)

    def kill_server(self) -> None:
        """Kill the adb server; its keeper starts it again and connects the phones anew."""
        keeper = self.server._process
        assert keeper is not None
        assert keeper._process is not None
        died = keeper._process
        os.killpg(died.pid, signal.SIGKILL)
        died.wait()
        until = time.monotonic() + RESTART_LIMIT_S
        while keeper._process is died and time.monotonic() < until:
            time.sleep(0.05)

    def await_phones(self, limit_s: float = 60.0) -> None:
        """Connect the phones until the adb server has them all (it may just have been killed)."""
        until = time.monotonic() + limit_s
        for serial in self.adb_serials:
            while time.monotonic() < until:
                with contextlib.suppress(AdbError):
                    self.server.connect(serial)
                    break
                time.sleep(0.3)

    def write_scenario(
        self,
        jobs: int,
        *,
        epochs: int = 10,
        lost_s: float = 30.0,
        retries: int = 5,
        available_mb: float | None = 3600.0,
    ) -> None:
        """Write a scenario with so many jobs; each lasts some seconds.

        Args:
            jobs: How many.
            epochs: Of each.
            lost_s: After so long a lost phone is given up.
            retries: After failures of phone and trainer.
            available_mb: Goal of the pressure; None for none.
        """
        lines = [
            tone_line(
                self.folder,
                f"u{index}",
                index,
                words,
                speaker="noise",
                split="train" if index < 4 else "validation",
            )
            for index, words in enumerate(WORDS)
        ]
        (self.folder / "noise.jsonl").write_text("".join(lines))
        self.scenario.write_text(
            SCENARIO.format(
                epochs=epochs,
                lost_s=lost_s,
                retries=retries,
                pressure="null" if available_mb is None else f"{{available_mb: {available_mb}}}",
                seeds=list(range(jobs)),
            )
        )


@contextmanager
def chaos_lab(folder: Path, phones: int, speed: float | None = 10.0) -> Iterator[ChaosLab]:
    """Start an adb server and a farm; both end with the context.

    Args:
        folder: For scenario, leases and runs.
        phones: How many.
        speed: Trainings are replayed, so many times as fast; None: they are real.
    """
    server = AdbServer.start_private()
    farm = subprocess.Popen(
        [
            *(sys.executable, "-m", "harness.virtual.farm", "--json", "--until-stdin-closes"),
            *("--profile", f"oneplus-7t={phones}", "--no-connect"),
            *(() if speed is None else ("--trainer", "trace", "--trace-speed", str(speed))),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert farm.stdin is not None
    assert farm.stdout is not None
    try:
        serials: list[str] = []
        control = ""
        for line in farm.stdout:
            message = json.loads(line)
            if message.get("ready"):
                control = message["control"]
                break
            serials.append(message["adb_serial"])
        for serial in serials:
            server.connect(serial)
        yield ChaosLab(server, FarmControl(control), folder, tuple(serials), farm.pid)
    finally:
        farm.stdin.close()
        farm.wait(60)
        server.close()
