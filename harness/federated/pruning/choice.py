"""What the clients of a round get: chosen by the model before it, and written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from harness.federated.pruning.layers import groups_of, matrices_of, matrix_layers
from harness.federated.pruning.part import (
    MaskedPart,
    Part,
    read_kept,
    read_masks,
    write_kept,
    write_masks,
)
from harness.federated.pruning.source import Source
from harness.lab.scheduling.host_tasks import HostContext, host_task
from harness.pruning.cells import Selection
from harness.pruning.choice import kept_of, ranked, regrown, units_kept
from harness.pruning.density import layer_densities
from harness.pruning.levels import level_in, phase_in
from harness.pruning.matrices import mask_of, units_of
from harness.pruning.scores import Values, entry_scores
from harness.results.federated import PruningRecord
from harness.results.tasks import CHECKPOINT, TaskFolder
from harness.scenario.pruning import Pruning
from harness.trainer.checkpoints import Saved, weights_writer
from harness.trainer.npz import StoredWeights, opened_weights

PRUNE: Final = "federated-prune"
MOMENTUM: Final = "momentum.npz"
_BYTES: Final = 4
"""Of a number in a file of weights."""
Masks = dict[str, npt.NDArray[np.bool_]]


def choice_arguments(
    pruning: Pruning, source: Source, round_: int, model: str, before: str | None
) -> dict[str, Any]:
    """Return what `choose` is given.

    Args:
        pruning: Settings.
        source: Of the network.
        round_: From 1.
        model: The task whose model is pruned.
        before: The task that chose for the round before; None in the first.
    """
    return {
        "pruning": pruning.model_dump(mode="json"),
        "source": source.as_json(),
        "round": round_,
        "model": model,
        "before": before,
    }


@host_task(PRUNE)
def choose(context: HostContext, arguments: Mapping[str, Any]) -> Any:
    """Leave the weights that the clients of a round get, and what of the whole they are.

    Raises:
        InputError: A file of the run is damaged.
    """
    pruning = Pruning.model_validate(arguments["pruning"])
    source = Source.of_json(arguments["source"])
    model = TaskFolder(context.run.path, arguments["model"]).path
    earlier = arguments["before"]
    way = _Masking if pruning.masked and pruning.pattern != "cell" else _Cells
    round_ = int(arguments["round"])
    level = level_in(pruning.schedule, pruning.level, round_, pruning.rise, pruning.settled_steps)
    before = sizes = None
    if earlier is not None:
        folder = TaskFolder(context.run.path, earlier)
        before, last = folder.path, PruningRecord.model_validate(folder.result().value)
        if last.level == level:  # only units change: phones keep the network that they have
            sizes = {layer: kept for layer, (kept, _) in last.units.items()}
    phase = phase_in(pruning.schedule, round_, pruning.rise, pruning.refine_rounds)
    with opened_weights(model / CHECKPOINT) as whole:
        chosen = way(pruning, source, whole, _momentum(model))
        if phase == "fine_tune" and before is not None:
            chosen.take_over(before)
        else:
            chosen.choose(level, None if pruning.refinement else before, sizes)
        back = 0 if before is None else chosen.regrown(before)
        chosen.keep(context.out)
        part, parameters = chosen.part(), chosen.parameters()
        saved = _write(context.out / CHECKPOINT, whole, part, deflate=pruning.masked)
        total = sum(math.prod(shape) for shape in whole.shapes.values())
    return PruningRecord(
        level=level,
        phase=phase,
        pattern=pruning.pattern,
        masked=pruning.masked,
        units=chosen.units(),
        parameters=parameters,
        parameters_whole=total,
        sent_bytes=saved.size_bytes,
        whole_bytes=_BYTES * total,
        regrown=back,
    ).model_dump(mode="json")


def _momentum(model: Path) -> Path | None:
    path = model / MOMENTUM
    return path if path.is_file() else None


def _write(path: Path, whole: StoredWeights, part: Part, *, deflate: bool) -> Saved:
    with weights_writer(path, deflate=deflate) as writer:
        for name in whole.shapes:
            value = part.gather(name, whole.read(name))
            writer.write(name, np.ascontiguousarray(value, np.float32))
    return writer.saved()


class _Cells:
    """Units of the network are left out in all their matrices."""

    def __init__(
        self, pruning: Pruning, source: Source, whole: StoredWeights, momentum: Path | None
    ) -> None:
        self._pruning, self._whole, self._momentum = pruning, whole, momentum
        self._groups = groups_of(pruning, source.config())
        self._kept: dict[str, list[int]] = {}

    def choose(self, level: float, before: Path | None, sizes: Mapping[str, int] | None) -> None:
        names = {p.variable for g in self._groups for p in g.places if p.scored}
        weights = {name: self._whole.read(name) for name in names}
        groups = ranked(self._groups, weights, _read(self._momentum, names), self._pruning.score)
        if sizes is None:
            sizes = units_kept(groups, level, self._pruning.density)
        self._kept = kept_of(groups, sizes, None if before is None else read_kept(before))

    def take_over(self, before: Path) -> None:
        self._kept = read_kept(before)

    def regrown(self, before: Path) -> int:
        return regrown(read_kept(before), self._kept)

    def keep(self, folder: Path) -> None:
        write_kept(folder, self._kept)
        if self._pruning.masked:
            write_masks(folder, self._masks())

    def part(self) -> Part:
        selection = Selection(self._groups, self._kept)
        return MaskedPart(self._masks()) if self._pruning.masked else selection

    def parameters(self) -> int:
        selection = Selection(self._groups, self._kept)
        return sum(
            int(selection.mask(name, shape).sum()) if selection.touches(name) else math.prod(shape)
            for name, shape in self._whole.shapes.items()
        )

    def units(self) -> dict[str, tuple[int, int]]:
        return {g.layer: (len(self._kept[g.name]), g.units) for g in self._groups}

    def _masks(self) -> Masks:
        """Return masks; a variance is never zero."""
        selection = Selection(self._groups, self._kept)
        return {
            name: selection.mask(name, shape)
            for name, shape in self._whole.shapes.items()
            if selection.touches(name) and not name.endswith("_variance")
        }


class _Masking:
    """Rows, columns and their halves of single matrices are zero."""

    def __init__(
        self, pruning: Pruning, source: Source, whole: StoredWeights, momentum: Path | None
    ) -> None:
        self._pruning, self._whole, self._momentum = pruning, whole, momentum
        self._names = matrices_of(matrix_layers(pruning, source.network), whole.shapes)
        self._masks: Masks = {}

    def choose(self, level: float, before: Path | None, sizes: Mapping[str, int] | None) -> None:
        del sizes  # no network hangs on them
        shapes = self._whole.shapes
        norms = [float(np.abs(self._whole.read(name)).mean()) for name in self._names]
        counts = [math.prod(shapes[name]) for name in self._names]
        shares = layer_densities(norms, level, self._pruning.density, counts)
        earlier = {} if before is None else read_masks(before)
        for name, share in zip(self._names, shares, strict=True):
            momentum = _read(self._momentum, [name])
            scores = entry_scores(
                self._whole.read(name),
                None if momentum is None else momentum[name],
                self._pruning.score,
            )
            self._masks[name] = self._mask(scores, max(0.0, 1 - share), earlier.get(name))

    def _mask(
        self, scores: Values, level: float, among: npt.NDArray[np.bool_] | None
    ) -> npt.NDArray[np.bool_]:
        """Return the mask of a variable: a matrix, one a direction, or a kernel [.., in, out]."""
        pattern, halves = self._pruning.pattern, self._pruning.halves
        assert pattern != "cell", "has no masks of single matrices"
        if scores.ndim == 3:
            earlier = [None] * len(scores) if among is None else list(among)
            return np.stack([self._mask(s, level, b) for s, b in zip(scores, earlier, strict=True)])
        over = tuple(range(scores.ndim - 2))
        flat = scores.mean(over)
        # one [in, out] is like the other
        flat_before = None if among is None else among[(0,) * len(over)]
        mask = mask_of(flat, pattern, level, halves=halves, among=flat_before)
        return np.broadcast_to(mask, scores.shape).copy()

    def take_over(self, before: Path) -> None:
        self._masks = read_masks(before)

    def regrown(self, before: Path) -> int:
        earlier = read_masks(before)
        return sum(self._units(name, mask & ~earlier[name]) for name, mask in self._masks.items())

    def _units(self, name: str, mask: npt.NDArray[np.bool_]) -> int:
        """Return how many units a mask has of a variable, halves counted as such."""
        shape = self._whole.shapes[name]
        size = math.prod(shape) / self._of(name)
        return round(float(mask.sum()) / size)

    def _of(self, name: str) -> int:
        pattern = self._pruning.pattern
        assert pattern != "cell", "has no masks of single matrices"
        shape = self._whole.shapes[name]
        directions = shape[0] if len(shape) == 3 else 1
        halves = 2 if pattern.startswith("half_") else 1
        return units_of((shape[-2], shape[-1]), pattern) * directions * halves

    def keep(self, folder: Path) -> None:
        write_masks(folder, self._masks)

    def part(self) -> Part:
        return MaskedPart(self._masks)

    def parameters(self) -> int:
        gone = sum(int((~mask).sum()) for mask in self._masks.values())
        return sum(math.prod(shape) for shape in self._whole.shapes.values()) - gone

    def units(self) -> dict[str, tuple[int, int]]:
        return {n: (self._units(n, mask), self._of(n)) for n, mask in self._masks.items()}


def _read(momentum: Path | None, names: Any) -> dict[str, Values] | None:
    if momentum is None:
        return None
    with opened_weights(momentum) as stored:
        return {name: stored.read_as(name, np.float64) for name in names}
