"""What a second of sampling costs and whether one is ever lost: the loop against adbutils.

``script/bench sampling`` samples virtual phones as an attempt does (Sampler, and a display that
asks for MemAvailable once a second), tears the cable of some of them in the middle, and lets the
same phones be read in the same run by one ``adbutils`` shell call a reading, six a second.

CPU time is the kernel's own, in ns. The sampling pays for all of its life: start, following, the
display, the end, reading the file into the table; the shell calls only fetch, nothing is parsed.
Say ``nice -n -5 script/bench sampling`` where other work goes on; see the load that it prints.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import adbutils
import pyarrow as pa

from harness.adb.phone import Phone
from harness.adb.server import AdbServer
from harness.sampling import Sampler
from harness.virtual.farmctl import FarmControl

PACKAGE = "org.mobileasr.trainer"
STUB = Path(__file__).parents[1] / "fixtures/data/stub_trainer.py"
TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")
CABLE_EVERY = 5
"""The cable of each fifth phone is torn."""


@dataclass(frozen=True)
class Cost:
    """CPU ms."""

    host: float
    server: float
    phone_side: float

    def a(self, phone_seconds: float) -> Cost:
        """Of one second of one phone."""
        return Cost(*(value / phone_seconds for value in asdict(self).values()))

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.host + other.host,
            self.server + other.server,
            self.phone_side + other.phone_side,
        )

    @property
    def harness_side(self) -> float:
        """What the lab's computer pays: this process and the adb server."""
        return self.host + self.server


def cpu_ms(pid: int) -> float:
    """CPU time of all threads of a process that live."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # it ended just now
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e6


def cpu_with_children_ms(pid: int) -> float:
    """CPU time of a process and of the children it waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return TICK_MS * sum(int(value) for value in fields[11:15])


def server_pid(server: AdbServer) -> int:
    """The pid of whoever listens on the server's port."""
    wanted = f":{server.port:04X}"
    inodes = {
        line.split()[9]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[1].endswith(wanted) and line.split()[3] == "0A"
    }
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            links = {str(fd.readlink()) for fd in (folder / "fd").iterdir()}
        except OSError:
            continue
        if any(f"socket:[{inode}]" in links for inode in inodes):
            return int(folder.name)
    raise SystemExit("the adb server's process cannot be found")


class Meter:
    """CPU time by place."""

    def __init__(self, server: int, farm: int) -> None:
        self._server = server
        self._farm = farm

    def of(self, work: Callable[[], object]) -> Cost:
        """Run ``work``; what it cost."""
        before = self._now()
        work()
        return Cost(*(b - a for a, b in zip(before, self._now(), strict=True)))

    def _now(self) -> tuple[float, float, float]:
        return 1000 * time.process_time(), cpu_ms(self._server), cpu_with_children_ms(self._farm)


@dataclass(frozen=True)
class Target:
    """One virtual phone."""

    phone: Phone
    serial: str
    proc_dir: str
    folder: str


class Farm:
    """Virtual phones on this server, each with a stub for a trainer."""

    def __init__(self, server: AdbServer, phones: int, cache: str) -> None:
        trainer = shlex.join([sys.executable, "-c", STUB.read_text()])
        command = [sys.executable, "-m", "harness.virtual.farm", "--json", "--until-stdin-closes"]
        command += ["--adb-port", str(server.port), "--profile", f"pixel-4={phones}"]
        env = {"MOBILEASR_LAB_CACHE": cache, "MOBILEASR_TRAINER_COMMAND": trainer}
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **env},
        )
        lines: list[dict[str, Any]] = []
        assert self.process.stdout is not None
        for text in self.process.stdout:
            lines.append(json.loads(text))
            if lines[-1].get("ready"):
                break
        else:
            raise SystemExit("the farm did not come up")
        self.control = FarmControl(lines[-1]["control"])
        self.targets = [self._target(server, line) for line in lines[:-1]]

    def _target(self, server: AdbServer, line: dict[str, Any]) -> Target:
        phone = Phone(server, line["adb_serial"])
        properties = phone.properties()
        work = properties.get("debug.mobileasr.work_dir") or "/data/local/tmp/mobileasr"
        proc = properties.get("debug.mobileasr.proc_dir") or "/proc"
        return Target(phone, line["serial"], proc, f"{work}/attempts/bench/sampler")

    def start_trainers(self, seconds: int) -> None:
        """Start the stub on each phone: something to sample."""
        for target in self.targets:
            folder = f"{target.folder}-trainer"
            outputs = {"events": f"{folder}/events", "stop_file": f"{folder}/stop"}
            job = {"job_id": "b", "stub": {"seconds": seconds}, "outputs": outputs}
            target.phone.make_folder(folder)
            target.phone.write_text(f"{folder}/job.json", json.dumps(job))
            target.phone.run(
                f"am start-foreground-service -n {PACKAGE}/.TrainService --es job {folder}/job.json"
            )

    def end(self) -> None:
        """End the farm as a command does that closes its input."""
        self.process.communicate(timeout=120)


def percentile(values: Sequence[float], percent: float) -> float:
    """Nearest-rank percentile, rounded."""
    ordered = sorted(values)
    return round(ordered[max(0, -int(-len(ordered) * percent // 100) - 1)], 1)


def lateness(values: Sequence[float]) -> dict[str, float]:
    """How late readings started, in ms."""
    return {f"p{p}": percentile(values, p) for p in (50, 99)} | {"max": round(max(values), 1)}


def by_shell(server: AdbServer, targets: Sequence[Target], seconds: int) -> dict[str, float]:
    """One ``adbutils`` shell call for each reading of each second; how late seconds began."""
    client = adbutils.AdbClient(server.host, server.port)
    late: list[float] = []

    def one(target: Target, offset: float) -> None:
        device = client.device(target.phone.adb_serial)
        trainer = device.shell(f"pidof {PACKAGE}").split()[0]
        readings = ["dumpsys battery", f"cat {target.proc_dir}/meminfo"]
        readings += [f"cat {target.proc_dir}/stat"]
        readings += [f"cat /proc/{trainer}/{name}" for name in ("stat", "statm", "status")]
        origin = time.monotonic() + offset
        for tick in range(seconds):
            time.sleep(max(0.0, origin + tick - time.monotonic()))
            late.append(1000 * (time.monotonic() - origin - tick))
            for reading in readings:
                device.shell(reading)

    threads = [
        threading.Thread(target=one, args=(target, index / len(targets)))
        for index, target in enumerate(targets)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return lateness(late)


class BySampler:
    """The sampler as an attempt uses it."""

    def __init__(self, farm: Farm, local: str) -> None:
        self._farm = farm
        self._samplers = [
            Sampler(t.phone, t.folder, Path(local) / f"{i}.txt", proc_dir=t.proc_dir)
            for i, t in enumerate(farm.targets)
        ]
        self.torn: list[str] = []

    def start(self) -> None:
        """Start all, one after the other."""
        for sampler in self._samplers:
            sampler.start()

    def run(self, seconds: int, cable_s: int) -> None:
        """Let them run, with a display; the cable of some is torn in the middle."""
        begin = time.monotonic()
        for tick in range(seconds):
            if cable_s and tick == max(2, (seconds - cable_s) // 2):
                self.torn = [target.serial for target in self._farm.targets[::CABLE_EVERY]]
                for serial in self.torn:
                    self._farm.control.do("lose_cable", serial, seconds=cable_s)
            for sampler in self._samplers:
                sampler.available_mb()
            time.sleep(max(0.0, begin + tick + 1 - time.monotonic()))

    def stop(self) -> None:
        """End all and read what they wrote."""
        enders = [threading.Thread(target=sampler.stop) for sampler in self._samplers]
        for ender in enders:
            ender.start()
        for ender in enders:
            ender.join()
        for sampler in self._samplers:
            sampler.table()

    def fidelity(self) -> dict[str, Any]:
        """What came of it."""
        tables = [sampler.table() for sampler in self._samplers]
        records = [record for _, record in tables]
        own = [record.sampler_cpu_percent_one_core or 0.0 for record in records]
        late = [
            float(start - due)
            for table, _ in tables
            for start, due in zip(
                table["t_boot_ms"].to_pylist(), table["due_boot_ms"].to_pylist(), strict=True
            )
        ]
        filled = {
            name: sum(table[name].null_count for table, _ in tables)
            for name in ("available_mb", "battery_percent", "trainer_rss_mb")
        }
        return {
            "phones": len(records),
            "seconds_expected": sum(record.expected for record in records),
            "seconds_missing": sum(record.missing for record in records),
            "start_jitter_ms": lateness(late),
            "worst_phone_p99_ms": max(record.start_jitter_p99_ms for record in records),
            "loop_cpu_percent_one_core": round(sum(own) / len(own), 3),
            "nulls": filled,
            "cables_torn": len(self.torn),
            "notes": sorted({note for sampler in self._samplers for note in sampler.notes}),
        }

    def remove(self) -> None:
        """Leave the phones as they were."""
        for sampler in self._samplers:
            sampler.teardown()


def run(phones: int, seconds: int, shell_seconds: int, cable_s: int) -> dict[str, Any]:
    """Measure; all figures."""
    with tempfile.TemporaryDirectory() as cache, AdbServer.start_private() as server:
        farm = Farm(server, phones, cache)
        try:
            meter = Meter(server_pid(server), farm.process.pid)
            load, idle_s = [os.getloadavg()[0]], min(5, seconds / 5)
            farm.start_trainers(seconds + shell_seconds + 600)
            pa.array([None], pa.int32())  # imports pandas: 1.5 s, once a process
            time.sleep(2)
            idle = meter.of(lambda: time.sleep(idle_s)).a(idle_s * phones)
            late: dict[str, float] = {}
            shell = meter.of(lambda: late.update(by_shell(server, farm.targets, shell_seconds)))
            load.append(os.getloadavg()[0])
            sampling = BySampler(farm, cache)
            start = meter.of(sampling.start)
            following = meter.of(lambda: sampling.run(seconds, cable_s))
            end = meter.of(sampling.stop)
            load.append(os.getloadavg()[0])
            fidelity = sampling.fidelity()
            sampling.remove()
        finally:
            farm.end()
    phone_seconds = fidelity["seconds_expected"]
    whole = (start + following + end).a(phone_seconds)
    by_calls = shell.a(phones * shell_seconds)
    return {
        "phones": phones,
        "seconds": seconds,
        "cable_lost_s": cable_s,
        "cpus": len(os.sched_getaffinity(0)),
        "load_average": [round(value, 2) for value in load],
        "nice": os.nice(0),
        "cpu_ms_per_phone_second": {
            "shell": asdict(by_calls),
            "sampler": asdict(whole),
            "sampler_following_only": asdict(following.a(phones * seconds)),
            "idle_farm": asdict(idle),
        },
        "start_and_end_ms_per_phone": round((start + end).harness_side / phones, 1),
        "host_ratio": round(by_calls.harness_side / whole.harness_side, 2),
        "shell_lateness_ms": late,
        "sampler": fidelity,
    }


def show(found: dict[str, Any]) -> None:
    """Print the table."""
    costs = {name: Cost(**cost) for name, cost in found["cpu_ms_per_phone_second"].items()}
    shell, sampler, idle = costs["shell"], costs["sampler"], costs["idle_farm"]
    loop_ms = 10 * found["sampler"]["loop_cpu_percent_one_core"]
    rows = [
        ("host process", shell.host, sampler.host),
        ("adb server", shell.server, sampler.server),
        ("host and server", shell.harness_side, sampler.harness_side),
        (
            "phone: adbd, commands, loop",
            shell.phone_side - idle.phone_side,
            sampler.phone_side - idle.phone_side + loop_ms,
        ),
    ]
    print(f"{found['phones']} phones, {found['seconds']} s, {found['cpus']} CPUs, ", end="")
    print(f"load {' '.join(map(str, found['load_average']))}, nice {found['nice']}")
    print(f"\n{'CPU ms per phone-second':34}{'shell a reading':>18}{'sampler':>10}{'ratio':>8}")
    for name, a, b in rows:
        print(f"{name:34}{a:18.2f}{b:10.3f}{a / b if b > 0 else float('inf'):8.1f}")
    print(f"of it start and end, ms a phone: {found['start_and_end_ms_per_phone']}")
    said = found["sampler"]
    print(f"\nseconds missing   {said['seconds_missing']} of {said['seconds_expected']}", end="")
    print(f" ({said['cables_torn']} cables torn for {found['cable_lost_s']} s)")
    print(f"start jitter, ms  {said['start_jitter_ms']}, worst phone's p99 ", end="")
    print(f"{said['worst_phone_p99_ms']}; shell calls: {found['shell_lateness_ms']}")
    print(f"loop on the phone {said['loop_cpu_percent_one_core']} % of one core")
    for note in said["notes"]:
        print(f"note: {note}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table, and write the figures where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phones", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--shell-seconds", type=int, help="of the shell calls (at most 60)")
    parser.add_argument("--cable", type=int, help="seconds without a cable (30, or a fifth)")
    parser.add_argument("--json", type=Path, help="file for all figures")
    options = parser.parse_args(arguments)
    shell_seconds = options.shell_seconds or min(60, options.seconds)
    cable_s = min(30, options.seconds // 5) if options.cable is None else options.cable
    found = run(options.phones, options.seconds, shell_seconds, cable_s)
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
