"""``harness model lineage``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import console
from harness.cli.options import JsonOption
from harness.errors import InputError

if TYPE_CHECKING:
    from harness.trainer.lineage import Begun, SpeechUsed, Stage
    from harness.trainer.manifest import ModelManifest

_DIGITS = 12


def lineage(
    model: Annotated[
        Path,
        typer.Argument(
            help="A model folder, or a file of one (.npz, .tflite).", show_default=False
        ),
    ],
    as_json: JsonOption = False,
) -> None:
    """Say where a baseline comes from: the trainings that made it, the oldest first."""
    from harness.trainer.manifest import whole_lineage

    manifest, folder = _manifest(model)
    stages = whole_lineage(manifest, folder)
    if as_json:
        console.emit_json(
            {
                "model": manifest.name,
                "alphabet": manifest.alphabet,
                "lineage": [stage.model_dump(mode="json") for stage in stages],
            }
        )
        return
    if not stages:
        console.say(f"{manifest.name}: random weights")
    networks = {s.weights_sha256: s.network for s in stages if s.weights_sha256 is not None}
    for number, stage in enumerate(stages, 1):
        made = ", ".join(filter(None, (stage.date, stage.commit and f"commit {stage.commit}")))
        console.say(f"{number}. {stage.network} ({made})")
        for line in _lines(stage, networks):
            console.tell(f"   {line}")


def _manifest(path: Path) -> tuple[ModelManifest, Path]:
    """Return the manifest that a path names, and the folder of its model."""
    from harness.trainer.manifest import FILE_NAME, load_manifest, manifest_of

    if path.is_dir() or path.name == FILE_NAME:
        folder = path if path.is_dir() else path.parent
        return load_manifest(folder), folder
    manifest = manifest_of(path)
    if manifest is None:
        what = f"no {FILE_NAME} beside it names this file" if path.is_file() else "no such file"
        hint = "Give a model folder, or a file as it lies in one."
        raise InputError(what, where=str(path), hint=hint)
    return manifest, path.parent


def _lines(stage: Stage, networks: Mapping[str, str]) -> Iterator[str]:
    """Yield what is told of a training; networks are those of its lineage by their weights."""
    from harness.contract.alphabet import in_words

    if not stage.begun_from:
        yield "begins with random weights"
    for place, begun in enumerate(stage.begun_from):
        yield f"{'then' if place else 'begins with'} {_begun(begun, networks)}"
    yield from (f"hears {_corpus(corpus)}" for corpus in stage.corpora)
    if not stage.corpora:
        yield f"hears {stage.words}"
    accents = f", accents {stage.accents}" if stage.accents else ""
    pieces = f" in {stage.pieces} pieces" if stage.pieces else ""
    yield f"writes {in_words(stage.alphabet)}{pieces}{accents}"
    trained = [stage.loss]
    for name, number in (("epochs", stage.epochs), ("steps", stage.steps), ("seed", stage.seed)):
        if number is not None:
            trained.append(f"seed {number}" if name == "seed" else f"{number} {name}")
    yield f"trains by {', '.join(filter(None, trained))}"
    if stage.weights_sha256:
        yield f"gives weights {stage.weights_sha256[:_DIGITS]}"
    yield stage.command


def _begun(begun: Begun, networks: Mapping[str, str]) -> str:
    of = begun.network or begun.file or networks.get(begun.sha256, "")
    which = {"all": "all", "encoder": "the encoder", "layers": ", ".join(begun.layers)}[begun.part]
    fresh = f"; at random: {', '.join(begun.fresh)}" if begun.fresh else ""
    weights = f"weights {begun.sha256[:_DIGITS]}"
    return f"{which} of {f'{of} ({weights})' if of else weights}{fresh}"


def _corpus(corpus: SpeechUsed) -> str:
    spoken = f" ({', '.join(corpus.languages)})" if corpus.languages else ""
    weight = f" x {corpus.weight:g}" if corpus.weight != 1 else ""
    number = f"{corpus.utterances} utterances{weight}"
    return f"{corpus.name}{spoken}: {number}, manifest {corpus.sha256[:_DIGITS]}"
