"""Measured processes for the memory model: a model folder's cells, one after the other.

What was measured is kept in a cache by content (file, checkpoint, runtime, settings), so that an
interrupted calibration goes on where it was.
"""

from __future__ import annotations

import datetime
import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.atomic import whole
from harness.contract import mobileasr
from harness.errors import InputError
from harness.memory.measured import Conditions, Measured, MemoryRecord, split
from harness.trainer.checkpoints import file_sha256
from harness.trainer.manifest import ModelFile, ModelManifest
from harness.trainer.measure import EVALUATED, STEPS, UTTERANCES, Need, measure_need

RUNTIME = "ai-edge-litert"


@dataclass(frozen=True)
class Cell:
    """One process to measure."""

    sub_model: str
    batch_size: int


@dataclass(frozen=True)
class Done:
    """A cell and what came out."""

    cell: Cell
    need: Need
    from_cache: bool


class Bench:
    """Measures cells of one model folder.

    Args:
        folder: With its manifest's files.
        manifest: Of the folder.
        cache: Where measured cells are kept; None = nowhere.
        threads: Of LiteRT.
    """

    def __init__(
        self, folder: Path, manifest: ModelManifest, cache: Path | None, threads: int = 2
    ) -> None:
        self._folder = folder
        self._manifest = manifest
        self._cache = cache
        self._threads = threads

    def cells(self, sub_models: Sequence[str], batch_sizes: Sequence[int]) -> list[Cell]:
        """Return the cells in the order to measure them: what takes long comes last.

        Raises:
            InputError: The folder has no file for a batch size.
        """
        for size in batch_sizes:
            if size not in self._manifest.files:
                known = ", ".join(str(batch_size) for batch_size in sorted(self._manifest.files))
                raise InputError(
                    f"the model {self._manifest.name} has no file for batch size {size}",
                    where="--batch-size",
                    hint=f"It has batch sizes {known}.",
                )
        return [Cell(name, size) for size in sorted(batch_sizes) for name in sub_models]

    def few(self) -> tuple[str, ...]:
        """Return the sub-models that calibrate by themselves."""
        return mobileasr.calibrating(self._manifest.network)

    def ends(self) -> list[int]:
        """Return the smallest and the largest batch size: what calibrates."""
        sizes = sorted(self._manifest.files)
        return sorted({sizes[0], sizes[-1]})

    def measure(self, cell: Cell) -> Done:
        """Measure one cell, or take it from the cache.

        Raises:
            InputError: A file is missing or no model.
            subprocess.CalledProcessError: The trainer failed; its words went to stderr.
        """
        entry = self._manifest.files[cell.batch_size]
        model = entry.path(self._folder)
        checkpoint = self._manifest.checkpoint
        weights = None if checkpoint is None else checkpoint.path(self._folder)
        for path in (model, weights):
            if path is not None and not path.is_file():
                raise InputError(
                    "the manifest names this file, it is missing",
                    where=str(path),
                    hint="Make the folder anew with 'harness model build'.",
                )
        cached = self._kept(cell, model, weights)
        if cached is not None and cached.is_file():
            return Done(cell, Need(**json.loads(cached.read_bytes())), True)
        need = measure_need(
            model,
            cell.sub_model,
            checkpoint=weights,
            threads=self._threads,
            ordered=self._ordered(cell),
        )
        if cached is not None:
            cached.parent.mkdir(parents=True, exist_ok=True)
            with whole(cached) as partial:
                partial.write_text(json.dumps(vars(need)) + "\n", encoding="utf-8")
        return Done(cell, need, False)

    def _ordered(self, cell: Cell) -> bool:
        return cell.batch_size in self._manifest.ordered

    def _kept(self, cell: Cell, model: Path, weights: Path | None) -> Path | None:
        if self._cache is None:
            return None
        content = {
            "model": file_sha256(model),
            "checkpoint": None if weights is None else file_sha256(weights),
            "cell": [cell.sub_model, cell.batch_size],
            "settings": [self._threads, UTTERANCES, STEPS, EVALUATED],
            **({"ordered": True} if self._ordered(cell) else {}),
            "versions": [_runtime(), platform.python_version(), platform.platform()],
        }
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        return self._cache / f"{digest}.json"


def measured(cell: Cell, need: Need) -> Measured:
    """Return a cell's figures as the memory model holds them."""
    return Measured(
        sub_model=cell.sub_model,
        batch_size=cell.batch_size,
        need_mb=need.need_mb,
        selected_mb=need.selected_mb,
    )


def make_record(
    points: Sequence[Measured], files: Mapping[int, ModelFile], threads: int
) -> MemoryRecord:
    """Return a record of measured points.

    Args:
        points: At least one.
        files: The flatbuffers by batch size.
        threads: That they were measured with.
    """
    calibrating, held_out = split(points)
    sizes = {point.batch_size for point in points}
    return MemoryRecord(
        conditions=Conditions(
            date=datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
            runtime=_runtime(),
            python=platform.python_version(),
            platform=f"{platform.system()} {platform.machine()}",
            threads=threads,
            utterances=UTTERANCES,
        ),
        files={size: files[size].sha256 for size in sorted(sizes)},
        calibrating=calibrating,
        held_out=held_out,
    )


def _runtime() -> str:
    return f"{RUNTIME} {importlib.metadata.version(RUNTIME)}"
