"""What the lab itself costs: a run of many jobs on many phones that do nothing but answer.

``script/bench lab [--phones 100] [--jobs 5000] [--farm [--minutes 60] [--folder F]]``.

By default attempts end at once, so that what is measured is the scheduler, the queue, the ledger
with its real file, and the threads of a run: seconds and CPU a job, memory a phone, and whether the
last thousand jobs are slower than the first. ``--farm`` runs whole attempts on virtual phones with
replayed trainers. That takes time: ``--minutes`` stops the run as by Ctrl-C, and the same
``--folder`` goes on with it.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from harness.lab.attempt.state import AttemptEnd
from harness.lab.clock import StopSignal, SystemClock
from harness.lab.engines.threads import ThreadEngine
from harness.lab.ledger.ledger import Ledger
from harness.lab.ports import LabPhone
from harness.lab.run_view import RunView
from harness.lab.scheduling.agenda import Agenda
from harness.lab.scheduling.demand import Ticket
from harness.lab.scheduling.engine import RunAttempt
from harness.lab.scheduling.scheduler import Scheduler
from harness.results.model import AttemptResult
from harness.scenario.schema import JobContent
from harness.scenario.spec import JobSpec
from harness.scenario.task import Task
from tests.benchmarks.lab_farm import run_for_bench
from tests.chaos.lab import chaos_lab
from tests.simulation.world import lab_phone

STEPS = ("gate", "provision", "press", "train", "collect", "score", "release")
BLOCK = 1000


class Nothing:
    """Work that is done at once, and a `Progress` that notes when each attempt ended."""

    def __init__(self) -> None:
        self.ended_at: list[float] = []
        """CPU seconds of the process: other work on the machine does not show in them."""

    def prepare(self, phone: LabPhone, *, keep: bool) -> tuple[LabPhone, Sequence[str]]:
        return phone, ()

    def request(self, order: RunAttempt, phone: LabPhone) -> tuple[RunAttempt, LabPhone]:
        return order, phone

    def attempt(
        self,
        request: tuple[RunAttempt, LabPhone],
        stop: StopSignal,
        on_step: Callable[[str], None],
    ) -> AttemptEnd:
        for step in STEPS:
            on_step(step)
        return AttemptEnd(_result(*request), clean=True)

    def recover(self, phone: LabPhone, *, thorough: bool) -> None:
        pass

    def leave(self, phone: LabPhone) -> None:
        pass

    def phone(self, status: object) -> None:
        pass

    def ended(self, result: AttemptResult, *, retried: bool) -> None:
        self.ended_at.append(time.process_time())

    def note(self, text: str) -> None:
        print(text, file=sys.stderr)


def _result(order: RunAttempt, phone: LabPhone) -> AttemptResult:
    return AttemptResult(
        run_id="bench",
        job_id=order.job_id,
        attempt=order.attempt,
        status="finished",
        started_utc="2026-01-01T00:00:00Z",
        seconds=0.0,
        phone=phone.record,
        model_name="none",
        model_sha256="0" * 64,
        speaker="none",
        accent="none",
        batch_size=1,
        learning_rate=1e-4,
        epochs_planned=1,
        stop_policy="best_so_far",
    )


def measure(phones: int, jobs: int, path: Path) -> dict[str, float]:
    """Run ``jobs`` on ``phones`` with a ledger at ``path``; return the figures."""
    content = JobContent.model_validate({"model": "ds2-tiny"})
    specs = [
        JobSpec(job_id=f"j{n}", identity="0" * 64, index=n, content=content, axes={"n": n})
        for n in range(jobs)
    ]
    here = [lab_phone(f"p{n:04d}", n) for n in range(phones)]
    serials = frozenset(phone.serial for phone in here)
    rss_before, begun_cpu = _rss_mb(), time.process_time()
    work, stop = Nothing(), StopSignal()
    tasks = [Task.of_job(spec) for spec in specs]
    with Ledger.create(path, tasks) as ledger:
        created_bytes = path.stat().st_size
        scheduler = Scheduler(
            agenda=Agenda(
                ledger,
                [Ticket(task, serials) for task in tasks],
                sorted(serials),
                owner="bench",
                clock=SystemClock(),
            ),
            ledger=ledger,
            engine=ThreadEngine(work, RunView(path, "bench", False, stop, work, work, here)),
            owner="bench",
            stop=stop,
            clock=SystemClock(),
            progress=work,
        )
        begun, begun_run_cpu = time.monotonic(), time.process_time()
        scheduler.run()
        wall_s = time.monotonic() - begun
        assert ledger.counts() == {"finished": jobs}
    block = min(BLOCK, jobs // 2)
    first_s = work.ended_at[block - 1] - begun_run_cpu
    last_s = work.ended_at[-1] - work.ended_at[-block - 1]
    return {
        "phones": phones,
        "jobs": jobs,
        "wall_ms_a_job": 1000 * wall_s / jobs,
        "cpu_ms_a_job": 1000 * (time.process_time() - begun_cpu) / jobs,
        "rss_mb_a_phone": (_rss_mb() - rss_before) / phones,
        "ledger_bytes_a_job": (path.stat().st_size - created_bytes) / jobs,
        "ledger_mb": path.stat().st_size / 2**20,
        f"cpu_last_{block}_over_first_{block}": last_s / first_s,
    }


def _rss_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phones", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=5000)
    parser.add_argument("--farm", action="store_true", help="whole attempts on virtual phones")
    parser.add_argument("--minutes", type=float, default=24 * 60.0, help="with --farm: at most")
    parser.add_argument("--folder", type=Path, help="with --farm: keep the run here, or go on")
    parser.add_argument("--speed", type=float, default=10.0, help="of the replayed trainers")
    parser.add_argument("--no-pressure", dest="press", action="store_false", help="with --farm")
    options = parser.parse_args()
    figures: Mapping[str, object]
    with ExitStack() as stack:
        folder = options.folder
        if folder is None:
            name = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-lab-"))
            folder = Path(name)
        if options.farm:
            folder.mkdir(parents=True, exist_ok=True)
            lab = stack.enter_context(chaos_lab(folder, options.phones, options.speed))
            figures = run_for_bench(
                lab,
                options.jobs,
                options.minutes,
                lambda text: print(text, file=sys.stderr, flush=True),
                press=options.press,
            )
        else:
            figures = measure(options.phones, options.jobs, folder / "ledger.sqlite")
    plain = {k: round(v, 3) if isinstance(v, float) else v for k, v in figures.items()}
    print(json.dumps(plain, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
