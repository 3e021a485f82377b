"""One row a fault of the virtual phones: what happened, what was retried, what was lost.

``script/bench faults [--only NAME ...] [--write docs/faults.md]``. Each fault comes over the phone
of a running attempt; a second phone is free. Nothing here is written by hand but the faults.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from harness.adb.errors import AdbError
from harness.adb.phone import Phone
from harness.lab import RunSettings, resume_run, run_scenario, status
from harness.lab.ports import PhoneStatus
from harness.results.model import AttemptResult
from harness.results.store import RunFolder
from harness.scenario import load_scenario
from harness.virtual.farmctl import FarmControlError
from tests.chaos.lab import ChaosLab, chaos_lab

LOST_S: Final = 8.0
EPOCHS: Final = 20


@dataclass(frozen=True)
class Fault:
    """A fault and when it comes.

    Args:
        name: As the fault file calls it, with what tells two of a kind apart.
        step: Step of the attempt at which it comes.
        values: Of the fault; None for the adb server's death.
    """

    name: str
    step: str = "train"
    values: Mapping[str, Any] | None = field(default_factory=dict)


FAULTS: Final = (
    Fault("lmkd_kill", values={"fault": "lmkd_kill"}),
    Fault("reboot", values={"fault": "reboot", "seconds": 2}),
    Fault("storage_full", "gate", {"fault": "storage_full", "for_s": 20}),
    Fault("push_breaks", "gate", {"fault": "push_breaks", "bytes": 100_000}),
    Fault("disconnect, 3 s", values={"fault": "disconnect", "for_s": 3}),
    Fault("disconnect, for good", values={"fault": "disconnect"}),
    Fault("offline, 3 s", values={"fault": "offline", "for_s": 3}),
    Fault("unauthorized, 3 s", values={"fault": "unauthorized", "for_s": 3}),
    Fault(
        "hang_service, 3 s",
        "gate",
        {"fault": "hang_service", "service": "battery", "for_s": 3},
    ),
    Fault("slow_shell, 0.5 s each", values={"fault": "slow_shell", "seconds": 0.5, "for_s": 6}),
    Fault(
        "slow_commands, 0.5 s each", values={"fault": "slow_commands", "seconds": 0.5, "for_s": 6}
    ),
    Fault("garbled_output, 2 s", values={"fault": "garbled_output", "for_s": 2}),
    Fault("truncated_output, 2 s", values={"fault": "truncated_output", "bytes": 40, "for_s": 2}),
    Fault("battery, 3 %", values={"fault": "battery", "percent": 3, "power": "none"}),
    Fault("clock_jump, an hour", values={"fault": "clock_jump", "seconds": 3600}),
    Fault("airplane_mode", values={"fault": "airplane_mode"}),
    # The last two leave something behind: stopped processes, another adb server.
    Fault("hang, 3 s", values={"fault": "hang", "for_s": 3}),
    Fault("SIGKILL of the adb server", values=None),
)


@dataclass(frozen=True)
class Row:
    """What one fault came to."""

    fault: Fault
    happened: str
    retried: str
    lost: str

    def text(self) -> str:
        """Return it as a row of the table."""
        cells = (self.fault.name, self.fault.step, self.happened, self.retried, self.lost)
        return f"| {' | '.join(cells)} |"


class Struck:
    """A `Progress` that strikes the first attempt's phone once it has come far enough."""

    def __init__(self, fault: Fault, strike: Callable[[str], None]) -> None:
        self.results: list[tuple[AttemptResult, bool]] = []
        self.serial = ""
        self._fault = fault
        self._strike = strike

    def phone(self, status: PhoneStatus) -> None:
        far = status.step == self._fault.step and (
            self._fault.step != "train" or (status.epoch or 0) >= 1
        )
        if far and not self.serial:
            self.serial = status.serial
            self._strike(status.serial)

    def ended(self, result: AttemptResult, *, retried: bool) -> None:
        self.results.append((result, retried))

    def note(self, text: str) -> None:
        pass


def try_fault(lab: ChaosLab, fault: Fault, number: int) -> Row:
    """Run one job under one fault."""
    lab.write_scenario(1, epochs=EPOCHS, lost_s=LOST_S, retries=2)
    text = lab.scenario.read_text().replace("lost_phone: 2", "lost_phone: 2, trainer_killed: 1")
    lab.scenario.write_text(text)
    bench = lab.bench()
    for phone in bench.phones:
        assert isinstance(phone.handle, Phone)
        phone.handle.shell(f"rm -rf {phone.work_dir}/cas")  # so that there is something to push

    def strike(serial: str) -> None:
        if fault.values is None:
            lab.kill_server()
        else:
            lab.control.do("fault", serial, **fault.values)

    watcher = Struck(fault, strike)
    summary = run_scenario(
        load_scenario(lab.scenario),
        bench,
        run_root=lab.runs,
        settings=RunSettings(run_id=f"f{number}", progress=watcher),
    )
    for serial in lab.control.phones():
        for order in ("clear", "restore_cable"):
            with contextlib.suppress(FarmControlError):
                lab.control.do(order, serial)
    lab.await_phones()
    for phone in bench.phones:
        with contextlib.suppress(AdbError):
            phone.handle.wait_online(20)
    resume_run(summary.folder, lab.bench())  # cleans a phone that had gone for good
    return _row(fault, watcher, summary.folder)


def _row(fault: Fault, watcher: Struck, path: Path) -> Row:
    happened: list[str] = []
    retried: list[str] = []
    for result, again in watcher.results:
        if result.failure is None:
            happened.append("the attempt finished" if not happened else "then one finished")
        else:
            happened.append(f"{result.failure.kind} in attempt {result.attempt}")
        if again:
            retried.append(f"after {result.failure.kind}" if result.failure else "")
    serials = [result.phone.serial for result, _ in watcher.results]
    where = ""
    if len(serials) > 1:
        where = ", on another phone" if serials[-1] != serials[0] else ", on the same phone"
    return Row(
        fault,
        ", ".join(happened) or "no attempt ended",
        (", ".join(retried) + where) if retried else "nothing",
        _lost(path),
    )


def _lost(path: Path) -> str:
    """Say what is missing of the job, its events and its samples, and which phones nobody freed."""
    run, state = RunFolder.open(path), status(path)
    missing = [
        f"the job ({job.state}: {job.reason})" for job in state.tasks if job.state != "finished"
    ]
    for row in state.attempts:
        if row.state != "finished":
            continue
        attempt = run.attempt(row.task_id, row.attempt)
        numbers = [event.seq for event in attempt.events()]
        if numbers != list(range(len(numbers))):
            missing.append("events")
        sampling = attempt.result().sampling
        if sampling is None or sampling.missing:
            gone = "all" if sampling is None else f"{sampling.missing} of {sampling.expected}"
            missing.append(f"{gone} samples")
    if state.leases:
        missing.append("a phone that nobody freed")
    return ", ".join(missing) or "nothing"


HEAD: Final = f"""\
# What each fault comes to

Made by `script/bench faults --write docs/faults.md`, on virtual phones with the real trainer:
one job, two phones, the fault comes over the phone of the running attempt when it reaches the step
(in training: after its first epoch). `retry` is 2 for lost phones, failed pushes and stalled
trainers, 1 for killed trainers; a phone is given up after {LOST_S:g} s. Lost means: the job, its
events or samples, or a phone that nobody freed. A sample that the phone itself could not take in
time counts too.
SIGKILL of the host has a proof of its own: `script/bench kills`.
A killed trainer on a phone that replays (`--trace-speed 20`): `tests/chaos/test_small.py`. What adb
says of a phone and no virtual phone can be made to say (`no permissions`, `device detached`, a key
that is being checked, a twin with the same serial, a server that another tool restarts) is waited
for in the same way: `tests/unit/devices/test_which_phone.py`, and following a log in
`tests/integration/test_adb_follow.py`.
A trainer that is gone is told by the phone's own words: a killer that is named, else a trace of a
crash, else `TrainerEnded`: nobody knows, tried again (`retry.trainer_ended`, 1):
`tests/unit/lab/test_evidence.py`.

| fault | step | what happened | retried | lost |
|---|---|---|---|---|
"""


def main() -> int:
    """Make the table; exit code 1 if a job was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", default=[], help="faults whose name begins so")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    wanted = [f for f in FAULTS if not options.only or f.name.startswith(tuple(options.only))]
    rows: list[Row] = []
    with (
        tempfile.TemporaryDirectory(prefix="faults-") as name,
        chaos_lab(Path(name), 2, None) as lab,
    ):
        for number, fault in enumerate(wanted):
            rows.append(try_fault(lab, fault, number))
            print(rows[-1].text(), flush=True)
            if options.write:  # after each row: who interrupts it has what was measured
                options.write.write_text(HEAD + "".join(f"{row.text()}\n" for row in rows))
    return int(any("the job" in row.lost or "events" in row.lost for row in rows))


if __name__ == "__main__":
    sys.exit(main())
