"""Contestants that step in turn, each in a fresh process (no tensorflow in this one)."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from harness.errors import HarnessError
from harness.model.bench.contestants import Task
from harness.model.bench.figures import Figures

_LINES = 15


class ContestantError(HarnessError):
    """A contestant's process ended before it was told to."""


class Contestant:
    """The process of one task; use it as a context manager.

    Args:
        task: What it runs.
        folder: For what the process says.
    """

    def __init__(self, task: Task, folder: Path) -> None:
        self.task = task
        self._log = folder / f"{task.contestant}.log"
        request = folder / f"{task.contestant}.task"
        request.write_bytes(pickle.dumps(task))
        threads = str(task.threads)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "harness.model.bench.worker", str(request)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "OMP_NUM_THREADS": threads},
                # Ctrl-C on a terminal comes to the parent only, which ends its workers. (A session
                # of its own would do, too, but not keep the share of CPU of this one.)
                preexec_fn=os.setpgrp,
            )
        self._steps: list[dict[str, Any]] = []
        self._imported_mb = 0.0

    def __enter__(self) -> Contestant:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def load(self) -> None:
        """Wait until the model is loaded."""
        self._imported_mb = self._answer()["imported_mb"]

    def step(self) -> None:
        """Take one step.

        Raises:
            ContestantError: The process ended.
        """
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write("step\n")
            stdin.flush()
        except BrokenPipeError:
            raise self._failed() from None
        self._steps.append(self._answer())

    def figures(self) -> Figures:
        """Return what its steps cost so far; the first is apart."""
        first, *steps = self._steps
        return Figures(
            contestant=self.task.contestant,
            seconds=tuple(s["seconds"] for s in steps),
            cpu_seconds=tuple(s["cpu_seconds"] for s in steps),
            first_seconds=first["seconds"],
            peak_mb=self._steps[-1]["peak_mb"],
            imported_mb=self._imported_mb,
            values=tuple(s["value"] for s in self._steps),
        )

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._failed()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _failed(self) -> ContestantError:
        code = self._process.wait()
        ending = f"was ended by signal {-code}" if code < 0 else f"failed (exit code {code})"
        lines = self._log.read_text(errors="replace").splitlines()[-_LINES:]
        head = f"{self.task.contestant} {ending} at {self.task.signature}"
        return ContestantError("\n  ".join([head, *lines]))


def measure(
    tasks: Sequence[Task], steps: int, *, say: Callable[[str], None] = lambda _: None
) -> list[Figures]:
    """Let contestants step in turn and return their figures, in the order of ``tasks``.

    Args:
        tasks: One a contestant, all of one signature.
        steps: Of each, beside a first one that is not timed with the others.
        say: Takes a line of progress.

    Raises:
        ContestantError: One failed; the others were ended.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="harness-bench-")))
        contestants = []
        for task in tasks:
            say(f"{task.signature}: loading {task.contestant}")
            contestants.append(stack.enter_context(Contestant(task, folder)))
            contestants[-1].load()
            contestants[-1].step()
        for n in range(steps):
            say(f"{tasks[0].signature}: step {n + 1} of {steps}")
            # Now the one, now the other goes first: who follows whom may matter.
            for contestant in contestants if n % 2 else reversed(contestants):
                contestant.step()
        return [contestant.figures() for contestant in contestants]
