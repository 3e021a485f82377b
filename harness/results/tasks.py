"""What tasks of the host leave in the run folder: whole, or not at all.

    runs/<run-id>/tasks/<task>/result.json, and whatever files the task made

A task fills a folder beside it, which gets its name only when all is in it.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import ValidationError

from harness.results.files import StoreError, said, sync_to_disk, write_bytes
from harness.results.model import Record
from harness.results.names import safe_name

CHECKPOINT: Final = "checkpoint.npz"
"""What a task leaves for the jobs that have it as a parent: they start from it."""


class HostResult(Record):
    """``result.json`` of a task of the host."""

    version: Literal[1] = 1
    task_id: str
    attempt: int
    function: str
    started_utc: str
    seconds: float
    value: Any = None
    """What the function returned."""


class TaskFolder:
    """Files of one task of the host.

    Args:
        run: The run folder.
        task_id: The task.
    """

    def __init__(self, run: Path, task_id: str) -> None:
        self.path = run / "tasks" / safe_name(task_id)
        self._draft = self.path.with_name(f".{self.path.name}")

    @property
    def result_path(self) -> Path:
        """``result.json``."""
        return self.path / "result.json"

    @property
    def checkpoint_path(self) -> Path:
        """Weights that jobs after this task start from, if it made some."""
        return self.path / CHECKPOINT

    def begin(self) -> Path:
        """Return an empty folder for the task to fill; what an attempt before left is removed.

        Raises:
            StoreError: It cannot be made.
        """
        with said(self._draft, "write"):
            for leftover in (self._draft, self.path):
                shutil.rmtree(leftover, ignore_errors=True)
            self._draft.mkdir(parents=True)
        return self._draft

    def finish(self, result: HostResult) -> None:
        """Put the filled folder in place, with its result.

        Raises:
            DiskFullError: No space left.
            StoreError: It cannot be written.
        """
        text = result.model_dump_json(indent=1) + "\n"
        write_bytes(self._draft / "result.json", text.encode())
        with said(self.path, "write"):
            for folder, _, names in os.walk(self._draft):
                for name in (*names, "."):
                    sync_to_disk(Path(folder) / name)
            self._draft.rename(self.path)
            sync_to_disk(self.path.parent)

    def result(self) -> HostResult:
        """Read the result.

        Raises:
            StoreError: It is not there or damaged.
        """
        with said(self.result_path, "read"):
            raw = self.result_path.read_bytes()
        try:
            return HostResult.model_validate_json(raw)
        except ValidationError as error:
            raise StoreError(f"{self.result_path}: not a task's result: {error}") from error

    def wrote(self, attempt: int) -> bool:
        """Say whether an attempt has left its result."""
        return self.result_path.is_file() and self.result().attempt == attempt
