"""One contestant in a process of its own: ``python -m harness.model.bench.worker TASK``.

TASK is a pickled ``Task``. For each line that comes in, it takes a step and answers with a line of
JSON; at the end of its input it says how much memory it ever held.
"""

from __future__ import annotations

import json
import pickle
import sys
import time
from pathlib import Path

from harness.model.bench.contestants import runtimes, step_of

_KIB_PER_MIB = 1024.0


def _status_mb(field: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / _KIB_PER_MIB
    raise OSError(f"/proc/self/status has no {field}")


def main() -> None:
    """Serve the parent process."""
    task = pickle.loads(Path(sys.argv[1]).read_bytes())  # noqa: S301 - from our parent
    answers = sys.stdout
    sys.stdout = sys.stderr  # Keras and tensorflow may print

    def answer(**values: float) -> None:
        answers.write(json.dumps(values) + "\n")
        answers.flush()

    runtimes(task.contestant)
    imported = _status_mb("VmRSS")
    step = step_of(task)
    answer(imported_mb=imported)
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        value = step()
        seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu
        answer(seconds=seconds, cpu_seconds=cpu_seconds, value=value, peak_mb=_status_mb("VmHWM"))


if __name__ == "__main__":
    main()
