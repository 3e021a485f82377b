"""What a second of sampling costs: the sampler's loop against one adbutils shell call a reading.

Run it by hand: ``python -m tests.benchmarks.bench_sampling --phones 2 --seconds 20``. Both ways run
on the same virtual phones, one after the other. CPU time is the kernel's: this process, the adb
server, the farm (adbd and the phones' short-lived commands), and the loop's own account.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import adbutils
import pyarrow as pa

from harness.adb.phone import Phone
from harness.adb.server import AdbServer
from harness.sampling import Sampler

PACKAGE = "org.mobileasr.trainer"
STUB = Path(__file__).parents[1] / "fixtures/data/stub_trainer.py"
TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """CPU ms for each second of one phone."""

    host: float
    server: float
    phone_side: float
    detail: str

    @property
    def harness_side(self) -> float:
        """What the lab's computer pays: this process and the adb server."""
        return self.host + self.server


def cpu_ms(pid: int, *, children: bool) -> float:
    """CPU time of a process, with its ended children if asked."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return TICK_MS * sum(int(value) for value in fields[11 : 15 if children else 13])


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


def measure(work: Callable[[], str], phone_seconds: float, server: int, farm: int) -> Cost:
    """Run ``work``; its CPU time by place, a second of one phone each."""
    before = time.process_time(), cpu_ms(server, children=False), cpu_ms(farm, children=True)
    detail = work()
    after = time.process_time(), cpu_ms(server, children=False), cpu_ms(farm, children=True)
    return Cost(
        host=1000 * (after[0] - before[0]) / phone_seconds,
        server=(after[1] - before[1]) / phone_seconds,
        phone_side=(after[2] - before[2]) / phone_seconds,
        detail=detail,
    )


class ByLoop:
    """The sampler as an attempt uses it."""

    def __init__(
        self, phones: list[Phone], folders: list[str], proc: list[str], local: str
    ) -> None:
        self.samplers = [
            Sampler(phone, folder, Path(local) / f"{i}.txt", proc_dir=proc_dir)
            for i, (phone, folder, proc_dir) in enumerate(zip(phones, folders, proc, strict=True))
        ]

    def start(self) -> str:
        for sampler in self.samplers:
            sampler.start()
        return ""

    def stop(self) -> str:
        """End them; return their fidelity in words."""
        for sampler in self.samplers:
            sampler.stop()
        records = [sampler.table()[1] for sampler in self.samplers]
        for sampler in self.samplers:
            sampler.teardown()
        own = sum(record.sampler_cpu_percent_one_core or 0 for record in records) / len(records)
        return json.dumps(
            {
                "missing": sum(record.missing for record in records),
                "expected": sum(record.expected for record in records),
                "jitter_p99_ms": max(record.start_jitter_p99_ms for record in records),
                "loop_cpu_ms": round(10 * own, 2),
            }
        )


def start_trainers(phones: list[Phone], work: list[str], seconds: int) -> None:
    """Start the stub trainer on each phone: something to sample."""
    for phone, folder in zip(phones, work, strict=True):
        outputs = {"events": f"{folder}/events", "stop_file": f"{folder}/stop"}
        job = {"job_id": "b", "stub": {"seconds": seconds}, "outputs": outputs}
        phone.make_folder(folder)
        phone.write_text(f"{folder}/job.json", json.dumps(job))
        phone.run(
            f"am start-foreground-service -n {PACKAGE}/.TrainService --es job {folder}/job.json"
        )


def by_shell(server: AdbServer, phones: list[Phone], proc: list[str], seconds: int) -> str:
    """One ``adbutils.shell`` for each reading of each second; returns how late it was."""
    client = adbutils.AdbClient(server.host, server.port)
    late: list[float] = []

    def one(serial: str, proc_dir: str) -> None:
        device = client.device(serial)
        readings = [
            "dumpsys battery",
            f"cat {proc_dir}/meminfo",
            f"cat {proc_dir}/stat",
            "cat /proc/1/stat",
            "cat /proc/1/status",
        ]
        origin = time.monotonic()
        for tick in range(seconds):
            time.sleep(max(0.0, origin + tick - time.monotonic()))
            late.append(1000 * (time.monotonic() - origin - tick))
            for reading in readings:
                device.shell(reading)

    threads = [
        threading.Thread(target=one, args=(phone.adb_serial, proc_dir))
        for phone, proc_dir in zip(phones, proc, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    late.sort()
    return json.dumps({"jitter_p99_ms": round(late[int(0.99 * (len(late) - 1))], 1)})


def start_farm(
    server: AdbServer, phones: int, folder: str
) -> tuple[subprocess.Popen[str], list[str]]:
    """A farm of that many phones on this server."""
    farm = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "harness.virtual.farm",
            "--json",
            "--until-stdin-closes",
            "--adb-port",
            str(server.port),
            "--profile",
            f"pixel-4={phones}",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "MOBILEASR_LAB_CACHE": folder,
            "MOBILEASR_TRAINER_COMMAND": shlex.join([sys.executable, "-c", STUB.read_text()]),
        },
    )
    serials: list[str] = []
    assert farm.stdout is not None
    for text in farm.stdout:
        line = json.loads(text)
        if line.get("ready"):
            return farm, serials
        serials.append(line["adb_serial"])
    raise SystemExit("the farm did not come up")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phones", type=int, default=2)
    parser.add_argument("--seconds", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache, AdbServer.start_private() as server:
        farm, serials = start_farm(server, options.phones, cache)
        try:
            phones = [Phone(server, serial) for serial in serials]
            proc = [phone.getprop("debug.mobileasr.proc_dir") or "/proc" for phone in phones]
            work = [
                (phone.getprop("debug.mobileasr.work_dir") or "/data/local/tmp/mobileasr")
                + "/attempts/bench/sampler"
                for phone in phones
            ]
            adb = server_pid(server)
            phone_seconds = options.phones * options.seconds
            pa.array([None], pa.int32())  # imports pandas: 2 s, once a process, not a second's cost
            time.sleep(2)
            start_trainers(phones, [f"{folder}/trainer" for folder in work], 3600)
            time.sleep(2)
            idle = measure(lambda: time.sleep(5) or "", 5 * options.phones, adb, farm.pid)
            shell = measure(
                lambda: by_shell(server, phones, proc, options.seconds),
                phone_seconds,
                adb,
                farm.pid,
            )
            samplers = ByLoop(phones, work, proc, cache)
            start = measure(samplers.start, options.phones, adb, farm.pid)
            time.sleep(3)
            loop = measure(lambda: time.sleep(options.seconds) or "", phone_seconds, adb, farm.pid)
            stop = measure(samplers.stop, options.phones, adb, farm.pid)
        finally:
            farm.communicate(timeout=30)
    fidelity = json.loads(stop.detail)
    print(f"{options.phones} phones, {options.seconds} s; CPU ms per phone-second")
    print(f"{'':34}{'shell a reading':>18}{'loop':>10}{'ratio':>8}")
    rows = [
        ("host process", shell.host, loop.host),
        ("adb server", shell.server, loop.server),
        ("host and server", shell.harness_side, loop.harness_side),
        (
            "phone: adbd, commands, loop",
            shell.phone_side - idle.phone_side,
            loop.phone_side - idle.phone_side + fidelity["loop_cpu_ms"],
        ),
    ]
    rows.append(("all together", rows[2][1] + rows[3][1], rows[2][2] + rows[3][2]))
    for name, a, b in rows:
        print(f"{name:34}{a:18.2f}{b:10.2f}{a / b if b > 0 else float('inf'):8.1f}")
    once = start.harness_side + stop.harness_side
    print(f"start and stop, once a phone: host and server {once:.0f}")
    print(f"idle farm: {idle.phone_side:.2f}")
    print(f"shell a reading: {shell.detail}\nloop: {stop.detail}")


if __name__ == "__main__":
    main()
