"""``harness model evaluate``: what a model hears of recordings, by speaker or accent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional

import typer

from harness.cli import console
from harness.cli.options import JsonOption
from harness.errors import InputError

if TYPE_CHECKING:
    from harness.model.listen import Heard

_FORMAT = "{:.1f}"


def evaluate(
    model: Annotated[
        Path, typer.Argument(help="A model folder, such as models/ds2-mini.", show_default=False)
    ],
    manifest: Annotated[
        Path,
        typer.Option("--manifest", "-m", help="Recordings: a manifest, or the folder that has it."),
    ],
    by: Annotated[
        Literal["speaker", "accent", "all"], typer.Option(help="What to tell apart.")
    ] = "speaker",
    split: Annotated[
        Literal["validation", "train", "all"], typer.Option(help="Which recordings.")
    ] = "validation",
    checkpoint: Annotated[
        Optional[Path],
        typer.Option(help="Weights (.npz) instead of the model's own, such as a personalised one."),
    ] = None,
    exit_: Annotated[
        Optional[str],
        typer.Option("--exit", help="What this exit hears, such as exit1. [default: the last]"),
    ] = None,
    decoder: Annotated[
        Literal["ctc", "attention"],
        typer.Option(help="Who writes what an exit hears: its CTC head or its attention decoder."),
    ] = "ctc",
    accents: Annotated[
        Literal["kept", "folded"],
        typer.Option(help="Letters of a language beside a to z: as written, or spelled with a-z."),
    ] = "kept",
    as_json: JsonOption = False,
) -> None:
    """Say how many words a model gets wrong, with the interval that so few words leave open.

    Nothing is trained. Recordings that the model cannot take are counted and left out.
    """
    from harness.model.listen import hear
    from harness.speech import load_manifest
    from harness.speech.importing import MANIFEST
    from harness.speech.letters import check_letters
    from harness.trainer.manifest import check_files
    from harness.trainer.manifest import load_manifest as load_model
    from harness.trainer.runtime import FlatbufferModel

    described = load_model(model)
    check_files(described, model)
    corpus = load_manifest(manifest / MANIFEST if manifest.is_dir() else manifest)
    corpus = corpus.spelled(accents)
    utterances = [each for each in corpus.utterances if split in ("all", each.split)]
    if not utterances:
        raise InputError(f"it has no {split} recordings", where=str(corpus.manifest))
    check_letters(utterances, described.alphabet, described.name, fold="--accents folded")
    flatbuffer = FlatbufferModel(described.files[max(described.files)].path(model), 2)
    weights = checkpoint or (described.checkpoint.path(model) if described.checkpoint else None)
    if weights is not None:
        flatbuffer.load_checkpoint(weights)
    heard = hear(flatbuffer, utterances, exit_, decoder)
    rows = [_row(name, group) for name, group in _grouped(heard, by)]
    facts = {
        "model": described.name,
        "exit": exit_,
        "decoder": decoder,
        "left_out": len(utterances) - len(heard),
        "rows": rows,
    }
    if as_json:
        console.emit_json(facts)
        return
    console.table(
        ("", "WER % >", "95 % interval >", "S >", "D >", "I >", "words >", "recordings >"),
        [_cells(row) for row in rows],
    )
    if facts["left_out"]:
        console.note(f"{facts['left_out']} recordings were left out: the model cannot take them.")
    if any(row["wer_percent"] >= 100 for row in rows):
        console.note("100 % and more: the model does not know this speech.")


def _grouped(heard: Sequence[Heard], by: str) -> list[tuple[str, list[Heard]]]:
    groups: dict[str, list[Heard]] = {}
    for each in heard:
        if by != "all":
            groups.setdefault(getattr(each.utterance, by), []).append(each)
    whole = [("all", list(heard))] if by == "all" or len(groups) > 1 else []
    return [*groups.items(), *whole]


def _row(name: str, heard: Sequence[Heard]) -> dict[str, Any]:
    from harness.metrics.host import score
    from harness.results.wer_interval import Utterance, wer_interval

    utterances = []
    for each in heard:
        errors = score([(each.utterance.text, each.text)])
        utterances.append(
            Utterance(
                each.utterance.id,
                errors.substitutions,
                errors.deletions,
                errors.insertions,
                errors.reference_words,
            )
        )
    interval = wer_interval(utterances)
    assert interval is not None, "a transcript has a word"
    errors_in_all = interval.substitutions + interval.deletions + interval.insertions
    return {
        "name": name,
        "wer_percent": round(100 * errors_in_all / interval.words, 2),
        "low_percent": _rounded(interval.low_percent),
        "high_percent": _rounded(interval.high_percent),
        "substitutions": interval.substitutions,
        "deletions": interval.deletions,
        "insertions": interval.insertions,
        "words": interval.words,
        "recordings": interval.utterances,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _cells(row: dict[str, Any]) -> list[object]:
    low, high = row["low_percent"], row["high_percent"]
    return [
        row["name"],
        _FORMAT.format(row["wer_percent"]),
        "" if low is None else f"{low:.1f} to {high:.1f}",
        *(row[name] for name in ("substitutions", "deletions", "insertions", "words")),
        row["recordings"],
    ]
