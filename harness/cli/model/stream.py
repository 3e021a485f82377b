"""``harness model stream``: recordings heard while they go on, and what that costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional

import typer

from harness.cli import console
from harness.cli.options import JsonOption
from harness.errors import InputError

if TYPE_CHECKING:
    from harness.trainer.streamed import Streamed


def stream(
    model: Annotated[Path, typer.Argument(help="A folder of a transducer.", show_default=False)],
    manifest: Annotated[
        Path,
        typer.Option("--manifest", "-m", help="Recordings: a manifest, or the folder that has it."),
    ],
    split: Annotated[
        Literal["validation", "train", "all"], typer.Option(help="Which recordings.")
    ] = "validation",
    at_most: Annotated[
        Optional[int], typer.Option(min=1, help="Recordings. [default: all]")
    ] = None,
    beam: Annotated[
        int, typer.Option(min=1, max=64, help="Labellings kept; 1: the likeliest of each step.")
    ] = 1,
    checkpoint: Annotated[
        Optional[Path], typer.Option(help="Weights (.npz) instead of the model's own.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, max=64, help="Of LiteRT.")] = 2,
    as_json: JsonOption = False,
) -> None:
    """Hear recordings segment by segment, as if they went on now.

    Told are the word error rate, the time of all steps per time of speech (real-time factor), from
    the end of speech to the last change of the text, and the memory that it took.
    """
    from harness.speech import load_manifest
    from harness.speech.importing import MANIFEST
    from harness.trainer import device
    from harness.trainer.manifest import check_files
    from harness.trainer.manifest import load_manifest as load_model
    from harness.trainer.recordings import read_wav
    from harness.trainer.runtime import FlatbufferModel
    from harness.trainer.streamed import stream as heard_on
    from harness.trainer.streaming import Recogniser, StreamingModel

    described = load_model(model)
    check_files(described, model)
    corpus = load_manifest(manifest / MANIFEST if manifest.is_dir() else manifest)
    utterances = [each for each in corpus.utterances if split in ("all", each.split)][:at_most]
    if not utterances:
        raise InputError(f"it has no {split} recordings", where=str(corpus.manifest))
    before = device.rss_mb()
    flatbuffer = FlatbufferModel(described.files[min(described.files)].path(model), threads)
    weights = checkpoint or (described.checkpoint.path(model) if described.checkpoint else None)
    if weights is not None:
        flatbuffer.load_checkpoint(weights)
    streaming, rate = StreamingModel(flatbuffer), flatbuffer.info.sample_rate
    pairs = [
        (each.text, heard_on(Recogniser(streaming, beam=beam), read_wav(each.audio, rate), rate))
        for each in utterances
    ]
    peak = device.peak_rss_mb()
    facts = {
        "model": described.name,
        "beam": beam,
        "segment_s": round(streaming.shape.hop * flatbuffer.info.hop / rate, 3),
        "waited_for_s": round(
            (streaming.shape.frames - streaming.shape.hop) * flatbuffer.info.hop / rate, 3
        ),
        **_figures(pairs),
        "added_mb": None if peak is None or before is None else round(peak - before, 1),
        "peak_rss_mb": None if peak is None else round(peak, 1),
    }
    if as_json:
        console.emit_json(facts)
        return
    console.table(
        ("", "value >"),
        [(name.replace("_", " "), "none" if v is None else v) for name, v in facts.items()],
    )


def _figures(pairs: list[tuple[str, Streamed]]) -> dict[str, Any]:
    import numpy as np

    from harness.metrics import WordErrors, word_errors

    errors = sum((word_errors(text, heard.text) for text, heard in pairs), WordErrors())
    wer = errors.wer_percent
    streamed = [heard for _, heard in pairs]
    late = [each.last_word_s for each in streamed if each.last_word_s is not None]
    audio = sum(each.audio_s for each in streamed)
    compute = sum(each.compute_s for each in streamed)
    steps = sum(each.steps for each in streamed)
    return {
        "recordings": len(pairs),
        "words": errors.reference_words,
        "wer_percent": None if wer is None else round(wer, 2),
        "audio_s": round(audio, 2),
        "real_time_factor": round(compute / audio, 4),
        "step_ms": round(1000 * compute / max(1, steps), 2),
        "last_word_ms_median": round(1000 * float(np.median(late)), 1) if late else None,
        "last_word_ms_p90": round(1000 * float(np.percentile(late, 90)), 1) if late else None,
    }
