"""``harness corpus``: synthetic speakers, and recordings of real ones."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Optional

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from harness.cli import console
from harness.cli.groups import grouped
from harness.cli.options import JsonOption
from harness.paths import cache_root

if TYPE_CHECKING:
    from harness.speech.import_report import Imported

app = typer.Typer(help="Speech to train on.", no_args_is_help=True)


@app.callback()
def _corpus() -> None:
    """Speech to train on."""


@contextlib.contextmanager
def _shown(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar; give what is told (done, total)."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console.err,
        transient=True,
    )
    with bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


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
        Literal["short", "full"], typer.Option(help="short: 1-5 s; full: 9-12 s, as the paper's.")
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
    from harness.speech.files import write_atomically
    from harness.speech.manifest import manifest_lines

    spec = CorpusSpec(tuple(speaker or SPEAKERS), train, validation, rounds, style, seed)
    with _shown("speaking") as told:
        corpus = build_corpus(spec, cache_root() / "corpora", told)
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


@dataclass(frozen=True)
class SourceOptions:
    """Where recordings and their transcripts lie, and what nobody wrote there."""

    layout: Annotated[
        Literal["folder", "librispeech", "commonvoice"],
        typer.Option(
            help="folder: a .txt beside each recording, or one table (CSV, TSV, JSON lines) with "
            "the columns file and text. The others: as they are downloaded."
        ),
    ] = "folder"
    transcripts: Annotated[
        Optional[Path], typer.Option("--transcripts", help="The table. [default: the only one]")
    ] = None
    speaker: Annotated[
        Optional[str],
        typer.Option(help="Who speaks, where no column says it. [default: the folder's name]"),
    ] = None
    accent: Annotated[
        Optional[str], typer.Option(help="Their accent, where no column says it.")
    ] = None


@dataclass(frozen=True)
class CutOptions:
    """Which recordings are taken, and for what."""

    train: Annotated[
        Optional[int],
        typer.Option(min=1, help="Training recordings a speaker and round. [default: all]"),
    ] = None
    validation: Annotated[
        Optional[int],
        typer.Option(min=1, help="Validation recordings a speaker and round. [default: 1 of 4]"),
    ] = None
    rounds: Annotated[int, typer.Option(min=1, max=100, help="Disjoint rounds.")] = 1
    seed: Annotated[int, typer.Option(min=0, help="Of the cut.")] = 0
    resplit: Annotated[
        bool, typer.Option("--resplit", help="Cut by speaker, whatever splits there are.")
    ] = False
    min_seconds: Annotated[float, typer.Option(min=0.05, help="Leave out shorter ones.")] = 0.3
    max_seconds: Annotated[
        Optional[float],
        typer.Option(min=0.1, help="Leave out longer ones: what the model takes at most."),
    ] = None
    skip_bad: Annotated[
        Optional[bool],
        typer.Option(
            "--skip-bad/--strict",
            help="Leave out what cannot be used (no transcript, digits, silence, ...), or stop. "
            "[default: stop; skip in the public layouts]",
        ),
    ] = None


@app.command("import")
@grouped
def import_(
    folder: Annotated[
        Path, typer.Argument(help="Recordings with their transcripts.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write the corpus to.")],
    source: SourceOptions,
    cut: CutOptions,
    as_json: JsonOption = False,
) -> None:
    """Bring in recordings; print the manifest's path, for `data.manifest` of a scenario."""
    from harness.speech.import_report import report
    from harness.speech.importing import ImportOptions, import_recordings
    from harness.speech.sources import find_sources

    sources = find_sources(folder, **asdict(source), by_speaker=cut.resplit)
    public = source.layout != "folder"
    skip_bad = public if cut.skip_bad is None else cut.skip_bad
    options = ImportOptions(**{**asdict(cut), "skip_bad": skip_bad})
    with _shown("reading") as told:
        imported = import_recordings(sources, out, options, told)
    manifest = str(imported.corpus.manifest)
    if as_json:
        console.emit_json({"manifest": manifest, **report(imported)})
        return
    _tell(imported)
    console.say(manifest)


def _tell(imported: Imported) -> None:
    corpus = imported.corpus
    for speaker in corpus.speakers:
        own = [one for one in corpus.utterances if one.speaker == speaker]
        parts = [
            f"round {number}: {len(corpus.select(speaker, 'train', number))} to train, "
            f"{len(corpus.select(speaker, 'validation', number))} to validate"
            for number in sorted({one.round for one in own})
        ]
        seconds = sum(one.duration_s for one in own)
        console.note(f"{speaker} ({own[0].accent}), {seconds / 60:.1f} min: {'; '.join(parts)}")
    for warning in imported.warnings:
        console.note(f"warning: {warning}")
    for reason, count in imported.reasons.items():
        examples = [one for one in imported.left_out if one.reason == reason]
        first = f"{examples[0].where}: {examples[0].detail}"
        console.note(f"left out, {reason}: {count}, such as {first}")
