"""``harness model build``."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from harness.cli import console
from harness.cli.model.common import (
    BatchOption,
    chosen_sub_models,
    command,
    config,
    summary,
)
from harness.errors import HarnessError, InputError
from harness.model.configuration import (
    ForwardFormat,
    ForwardPer,
    OptimiserName,
    Resident,
    Rounding,
)

if TYPE_CHECKING:
    from harness.model.configuration import NetworkConfig
    from harness.model.initial import Weights
    from harness.trainer.manifest import ModelFile

_SUFFIX = ".tflite"


def build(
    arch: Annotated[
        str,
        typer.Option(
            "--arch", help="ds2, ds2-mini or ds2-tiny; or a YAML file with sizes of your own."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="A .tflite file to write, or a model folder."),
    ],
    batch_size: BatchOption = None,
    name: Annotated[
        Optional[str],
        typer.Option("--name", help="Of the model. [default: that of its network]"),
    ] = None,
    embed: Annotated[
        Optional[bool],
        typer.Option(
            "--embed/--no-embed",
            help="Keep the (random) weights in the file, or leave them to a checkpoint. "
            "[default: embed in a single file; in a folder one checkpoint serves all files]",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the random weights.")] = 0,
    sub_model: Annotated[
        Optional[list[str]],
        typer.Option(
            "--sub-model",
            help="Train only these with it; may be given several times. Fewer take less memory "
            "to load. [default: all]",
        ),
    ] = None,
    resident: Annotated[
        Optional[Resident],
        typer.Option(
            "--resident",
            help="How weights and moments are held while training: float32, f16 or int8. The last "
            "two clip by layers and recompute, too. [default: as the network says]",
        ),
    ] = None,
    rounding: Annotated[
        Optional[Rounding],
        typer.Option("--rounding", help="Of such weights: stochastic or nearest."),
    ] = None,
    optimiser: Annotated[
        Optional[OptimiserName],
        typer.Option("--optimiser", help="adam, or sgd, which keeps nothing of a weight."),
    ] = None,
    recompute: Annotated[
        bool,
        typer.Option(
            "--recompute",
            help="Keep only what goes into each layer, and make the rest again on the way back "
            "(gradient checkpointing).",
        ),
    ] = False,
    forward: Annotated[
        Optional[ForwardFormat],
        typer.Option(
            "--forward",
            help="What products of the forward pass are made of: float32, int8, int6 or int4. "
            "[default: as the network says]",
        ),
    ] = None,
    forward_per: Annotated[
        Optional[ForwardPer],
        typer.Option(
            "--forward-per", help="What of a weight has a scale in them: column or tensor."
        ),
    ] = None,
    checkpoint: Annotated[
        Optional[Path],
        typer.Option(
            "--checkpoint", help="Weights for a folder, .npz of the same network; else random."
        ),
    ] = None,
    weights_of: Annotated[
        Optional[Path],
        typer.Option(
            "--weights-of",
            metavar="FOLDER",
            help="A model of the same network beside --out, whose weights this one uses without a "
            "copy.",
        ),
    ] = None,
    measure: Annotated[
        bool,
        typer.Option(
            "--measure/--no-measure",
            help="Measure what each sub-model needs, for a folder's manifest; without it "
            "scenarios cannot use the folder.",
        ),
    ] = True,
) -> None:
    """Write a trainable flatbuffer with random weights, or a folder of them with a manifest."""
    chosen = config(arch)
    chosen = chosen.held_as(
        resident or chosen.resident, rounding or chosen.rounding, optimiser or chosen.optimiser
    )
    chosen = replace(
        chosen,
        recompute=chosen.recompute or recompute,
        name=name or chosen.name,
        forward=forward or chosen.forward,
        forward_per=forward_per or chosen.forward_per,
    )
    for problem in chosen.problems():
        where = f"--{problem.location[0]}".replace("_", "-")
        raise InputError(problem.what, where=where, hint=problem.hint)
    if checkpoint is not None and (out.suffix == _SUFFIX or embed):
        raise InputError(
            "weights of your own lie beside the files of a folder",
            where="--checkpoint",
            hint="Give --out a folder, without --embed.",
        )
    if weights_of is not None and (out.suffix == _SUFFIX or embed or checkpoint is not None):
        raise InputError(
            "a folder has weights from one place",
            where="--weights-of",
            hint="Give --out a folder, without --embed and --checkpoint.",
        )
    sizes = sorted(set(batch_size or [chosen.batch_size]))
    names = chosen_sub_models(sub_model, chosen.describe())
    if out.suffix == _SUFFIX:
        _build_file(chosen, out, sizes, embed is not False, seed, names)
    else:
        source = _Weights(bool(embed), seed, checkpoint, weights_of)
        _build_folder(chosen, out, sizes, names, source, measure=measure)


def _build_file(
    chosen: NetworkConfig,
    out: Path,
    sizes: Sequence[int],
    embed: bool,
    seed: int,
    sub_models: Sequence[str],
) -> None:
    from harness.model.convert import convert

    if len(sizes) > 1:
        raise InputError(
            "one file serves one batch size",
            where="--batch-size",
            hint="Give --out a folder to write a file for each.",
        )
    if out.is_dir():
        raise InputError("is a folder", where=str(out))
    with _working(f"converting {chosen.name} for batch size {sizes[0]}"):
        convert(
            chosen.with_batch(sizes[0]),
            out.resolve(),
            embed=embed,
            seed=seed,
            sub_models=sub_models,
        )
    console.note(f"{out.stat().st_size / 2**20:.1f} MiB; harness model inspect {out} shows it")
    console.say(str(out))


@dataclass(frozen=True)
class _Weights:
    """Where the weights of a folder come from."""

    embed: bool
    seed: int
    checkpoint: Path | None
    owner: Path | None
    """A model folder beside the new one whose checkpoint it uses."""

    @property
    def told(self) -> str:
        """For a manifest."""
        begun_from = self.checkpoint or self.owner
        return f"weights of {begun_from}" if begun_from else "none: random weights"


def _build_folder(
    chosen: NetworkConfig,
    out: Path,
    sizes: Sequence[int],
    sub_models: Sequence[str],
    source: _Weights,
    *,
    measure: bool,
) -> None:
    from harness.model.folder import (
        NOT_MEASURED,
        move_into,
        today,
        versions,
        write_checkpoint,
        write_manifest,
        write_models,
    )
    from harness.model.initial import initial_weights
    from harness.trainer.manifest import Provenance

    out = out.resolve()
    weights = initial_weights(chosen, source.seed)
    if source.checkpoint is not None:
        weights = _weights(source.checkpoint, weights)
    owned = None if source.owner is None else _weights_beside(source.owner, out, weights)
    if out.exists() and not (out.is_dir() and _is_model_or_empty(out)):
        raise InputError(
            "is there and is no model folder", where=str(out), hint="Give --out a new folder."
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    # all or nothing: an interrupted build leaves what was there before
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as name:
        made = Path(name)
        files: dict[int, ModelFile] = {}
        for size in sizes:
            with _working(f"converting {chosen.name} for batch size {size}"):
                files |= write_models(
                    chosen,
                    made,
                    [size],
                    embed=source.embed,
                    seed=source.seed,
                    sub_models=sub_models,
                )
        checkpoint = owned
        if owned is None and not source.embed:
            checkpoint = write_checkpoint(weights, made)
        with (
            _working("measuring what training needs" if measure else "writing the manifest"),
            _trainer_failures(),
        ):
            manifest = write_manifest(
                chosen,
                made,
                files,
                checkpoint=checkpoint,
                provenance=Provenance(
                    command=command(),
                    date=today(),
                    versions=versions(),
                    corpus=source.told,
                ),
                learning_rate=1e-3,
                costs=None if measure else NOT_MEASURED,
                sub_models=sub_models,
            )
        move_into(made, out)
    summary(manifest, out)
    console.say(str(out))


def _weights(path: Path, like: Weights) -> Weights:
    """Read the weights of a checkpoint.

    Raises:
        InputError: It is none, or not of this network.
    """
    from harness.trainer.checkpoints import misfit
    from harness.trainer.npz import opened_weights

    with opened_weights(path) as stored:
        differs = misfit({name: value.shape for name, value in like.items()}, stored.shapes)
        if differs:
            raise InputError(differs, where=str(path), hint="Give weights of the same network.")
        return {name: stored.read(name) for name in like}


def _weights_beside(owner: Path, folder: Path, like: Weights) -> ModelFile:
    """Return the checkpoint of a model, as one that lies beside it names it.

    Raises:
        InputError: There is none, it lies elsewhere or is of another network.
    """
    from harness.trainer.manifest import check_files, load_manifest

    where = f"--weights-of {owner}"
    manifest = load_manifest(owner)
    check_files(manifest, owner)
    place = owner.resolve()
    if manifest.checkpoint is None:
        raise InputError("its files hold their own weights", where=where)
    if place.parent != folder.parent or place == folder:
        raise InputError(
            f"it does not lie beside {folder}",
            where=where,
            hint="Give an --out in the same folder, or --checkpoint with a file, which is copied.",
        )
    _weights(manifest.checkpoint.path(owner), like)
    entry = manifest.checkpoint
    return entry if entry.model else entry.model_copy(update={"model": place.name})


def _is_model_or_empty(folder: Path) -> bool:
    from harness.trainer.manifest import FILE_NAME

    return (folder / FILE_NAME).is_file() or not any(folder.iterdir())


@contextlib.contextmanager
def _trainer_failures() -> Iterator[None]:
    """Say in one line that the measured process failed; its own words went to stderr."""
    try:
        yield
    except subprocess.CalledProcessError as error:
        how = f"signal {-error.returncode}" if error.returncode < 0 else f"{error.returncode}"
        raise HarnessError(f"the trainer that was to be measured failed ({how})") from error


@contextlib.contextmanager
def _working(what: str) -> Iterator[None]:
    """Say what is being done, and how long it took."""
    begun = time.monotonic()
    if console.err.is_terminal:
        with console.err.status(f"{what} ..."):
            yield
    else:
        console.note(f"{what} ...")
        yield
    console.note(f"{what}: {time.monotonic() - begun:.0f} s")
