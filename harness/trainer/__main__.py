"""``python -m harness.trainer --job FILE``: train one job.

Exit codes: 0 finished (an early stop by rule is a finish too), 1 training failed (the log's last
event says why), 2 the job cannot be used.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import signal
import sys
import traceback
from pathlib import Path

from pydantic import ValidationError

from harness.contract.events import Finished, TrainerError
from harness.contract.job import Job
from harness.errors import InputError
from harness.trainer.events import EventLog
from harness.trainer.flatbuffer_learner import FlatbufferLearner
from harness.trainer.learner import StopCommand, run_now
from harness.trainer.loop import Training

_PR_SET_NAME = 15
_COMM = b"bileasr.trainer"  # Android shows the last 15 characters of the package


def _read_job(path: Path) -> Job:
    try:
        return Job.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InputError(f"{field}: {first['msg']}", where=str(path)) from error


def _events_of_bad_job(path: Path) -> Path | None:
    """Return where a job that is not valid wants its events, if it says so."""
    try:
        outputs = json.loads(path.read_bytes())["outputs"]
        events = outputs.get("events") or f"{outputs['folder']}/events.jsonl"
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return Path(events) if isinstance(events, str) and events.startswith("/") else None


def _say_bad_job(path: Path, message: str) -> None:
    """Tell the host, which follows the log and not this process's standard error."""
    events = _events_of_bad_job(path)
    if events is None:
        return
    try:
        with EventLog(events) as log:
            _fail(log, "BadJob", message)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        print(f"no event log at {events}: {error}", file=sys.stderr)


def main() -> int:
    """Train the job named on the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="harness.trainer", description="Train one job.")
    parser.add_argument("--job", type=Path, required=True, help="job.json")
    path = parser.parse_args().job
    ctypes.CDLL(None).prctl(_PR_SET_NAME, _COMM, 0, 0, 0)
    try:
        job = _read_job(path)
    except InputError as error:
        print(error, file=sys.stderr)
        _say_bad_job(path, str(error))
        return 2
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: asked.append(number))
    with EventLog(Path(job.outputs.events)) as log:
        try:
            learner = FlatbufferLearner(job, lambda: bool(asked))
            run_now(Training(job, learner, log).run())
        except StopCommand:
            _fail(log, "Stopped", "asked to stop before the first evaluation was done")
        except InputError as error:
            _fail(log, "BadInput", str(error))
        except MemoryError:
            _fail(log, "OutOfMemory", "an allocation failed", traceback.format_exc())
        except Exception as error:  # noqa: BLE001 - the job's outermost loop: all is recorded
            _fail(log, type(error).__name__, str(error), traceback.format_exc())
        else:
            return 0
    return 1


def _fail(log: EventLog, kind: str, message: str, detail: str = "") -> None:
    print(f"{kind}: {message}\n{detail}", file=sys.stderr)
    if not any(isinstance(event, Finished) for event in log.before):
        log.write(TrainerError, kind=kind, message=message[:2000], detail=detail[-8000:])


if __name__ == "__main__":
    sys.exit(main())
