"""``harness corpus``: synthetic speech."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Literal, Optional

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from harness.cli import console
from harness.cli.options import JsonOption
from harness.paths import cache_root

app = typer.Typer(help="Speech to train on.", no_args_is_help=True)


@app.callback()
def _corpus() -> None:
    """Speech to train on."""


@app.command()
def synth(
    speaker: Annotated[
        Optional[list[str]],
        typer.Option(
            "--speaker", help="One of the six; may be given several times. [default: all]"
        ),
    ] = None,
    train: Annotated[
        int, typer.Option(min=1, help="Training utterances a speaker and round.")
    ] = 60,
    validation: Annotated[int, typer.Option(min=1, help="Validation utterances.")] = 20,
    rounds: Annotated[int, typer.Option(min=1, help="Disjoint rounds.")] = 1,
    style: Annotated[
        Literal["short", "full"], typer.Option(help="short: 2-5 s; full: 9-12 s, as the paper's.")
    ] = "short",
    seed: Annotated[int, typer.Option(min=0, help="Chooses the sentences.")] = 0,
    out: Annotated[
        Optional[Path],
        typer.Option("--out", "-o", help="Copy the corpus here (else it stays in the cache)."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make (or find) a synthetic corpus and print its manifest's path."""
    from harness.speech import SPEAKERS, CorpusSpec, build_corpus
    from harness.speech.corpus import write_atomically
    from harness.speech.manifest import manifest_lines

    spec = CorpusSpec(tuple(speaker or SPEAKERS), train, validation, rounds, style, seed)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console.err,
        transient=True,
    )
    with bar:
        task = bar.add_task("speaking", total=None)
        corpus = build_corpus(
            spec,
            cache_root() / "corpora",
            lambda done, total: bar.update(task, completed=done, total=total),
        )
    manifest = corpus.manifest
    if out is not None:
        import dataclasses

        (out / "wav").mkdir(parents=True, exist_ok=True)
        moved = []
        for utterance in corpus.utterances:
            target = out / "wav" / f"{utterance.id}.wav"
            shutil.copyfile(utterance.audio, target)
            moved.append(dataclasses.replace(utterance, audio=target))
        manifest = out / "manifest.jsonl"
        write_atomically(manifest, manifest_lines(moved, out).encode())
    seconds = sum(utterance.duration_s for utterance in corpus.utterances)
    if as_json:
        console.emit_json(
            {
                "manifest": str(manifest),
                "sha256": corpus.sha256,
                "utterances": len(corpus.utterances),
                "seconds": round(seconds, 1),
                "speakers": corpus.speakers,
            }
        )
    else:
        console.note(f"{len(corpus.utterances)} utterances, {seconds / 60:.1f} minutes of speech")
        console.say(str(manifest))
