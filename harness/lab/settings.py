"""How a run is run: what is no matter of its scenario, its phones or its folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from harness.lab.clock import StopSignal
from harness.lab.feed import FeedProgram
from harness.lab.planning.materials import Materials
from harness.lab.planning.plan import Plan
from harness.lab.ports import NoProgress, Progress
from harness.results.store import RunFolder


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """Settings of a run; they may differ when it is resumed.

    Args:
        only: Filters, as ``--only`` has them; a run that is resumed has its own.
        run_id: Name of a new run; None for one from scenario and time.
        command: The command line, for the record of a new run.
        keep: Leave on the phones what was put there.
        progress: Who wants to know.
        stop: To stop the run from outside; Ctrl-C in the thread that runs it does the same.
        materials: Models and recordings; None for the usual ones.
        on_plan: Told the plan (of what is left, in a run that is resumed) before a job starts.
        skip_unfit: Record jobs that fit no phone as skipped, instead of starting nothing.
        wait: Wait for phones that others hold, until every job has one.
        feed: A program that adds tasks while the run goes on. In a run that is resumed it is called
            anew, also if every task that there is has an outcome.
    """

    only: Sequence[str] = ()
    run_id: str | None = None
    command: Sequence[str] = ()
    keep: bool = False
    progress: Progress = field(default_factory=NoProgress)
    stop: StopSignal = field(default_factory=StopSignal)
    materials: Materials | None = None
    on_plan: Callable[[Plan, RunFolder], None] = lambda *_: None
    skip_unfit: bool = False
    wait: bool = False
    feed: FeedProgram | None = None
