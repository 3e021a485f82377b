"""``harness corpus``: synthetic speakers, and recordings of real ones."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Optional

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from harness.cli import console
from harness.cli.groups import grouped
from harness.cli.options import JsonOption
from harness.cli.suggest import SuggestingGroup
from harness.corpora import SPOKEN
from harness.errors import InputError
from harness.paths import cache_root

if TYPE_CHECKING:
    from harness.speech.import_report import Imported
    from harness.speech.text import Annotations

app = typer.Typer(cls=SuggestingGroup, help="Speech to train on.", no_args_is_help=True)


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
            "--speaker",
            help="One of the six, or of the language's two; may be given several times. "
            "[default: all]",
        ),
    ] = None,
    language: Annotated[
        Optional[str],
        typer.Option(
            help="Its two speakers and its sentences (it, for example; `harness corpus languages` "
            "lists them), as `data: {corpus: speech/it}` has them. [default: the six speakers]"
        ),
    ] = None,
    train: Annotated[
        int, typer.Option(min=1, help="Training utterances a speaker and round.")
    ] = 60,
    validation: Annotated[int, typer.Option(min=1, help="Validation utterances.")] = 20,
    rounds: Annotated[int, typer.Option(min=1, help="Disjoint rounds.")] = 1,
    style: Annotated[
        Literal["short", "wide", "full"],
        typer.Option(help="short: 1-5 s; wide: 2.5-5 s, more words; full: 9-12 s, as the paper's."),
    ] = "short",
    seed: Annotated[int, typer.Option(min=0, help="Chooses the sentences.")] = 0,
    out: Annotated[
        Optional[Path],
        typer.Option("--out", "-o", help="Copy the corpus here (else it stays in the cache)."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make (or find) a synthetic corpus and print its manifest's path."""
    from harness.speech import CorpusSpec, build_corpus
    from harness.speech.files import write_atomically
    from harness.speech.manifest import manifest_lines

    spec = CorpusSpec((), train, validation, rounds, style, seed)
    if language is not None:
        spec = replace(spec, language=language, name=f"{SPOKEN}{language}")
    spec = replace(spec, speakers=tuple(speaker or spec.known))
    with _shown("speaking") as told:
        corpus = build_corpus(spec, cache_root() / "corpora", told)
    manifest = corpus.manifest
    if out is not None:
        (out / "wav").mkdir(parents=True, exist_ok=True)
        moved = []
        for utterance in corpus.utterances:
            target = out / "wav" / f"{utterance.id}.wav"
            shutil.copyfile(utterance.audio, target)
            moved.append(replace(utterance, audio=target))
        manifest = out / "manifest.jsonl"
        write_atomically(manifest, manifest_lines(moved, out))
    if as_json:
        console.emit_json(
            {
                "manifest": str(manifest),
                "sha256": corpus.sha256,
                "utterances": len(corpus.utterances),
                "seconds": round(corpus.seconds, 1),
                "speakers": corpus.speakers,
            }
        )
    else:
        minutes = corpus.seconds / 60
        console.note(f"{len(corpus.utterances)} utterances, {minutes:.1f} minutes of speech")
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
class TextOptions:
    """How the transcripts are spelled."""

    language: Annotated[
        str,
        typer.Option(
            help="Of all transcripts, whose own letters are kept: it, for example; "
            "`harness corpus languages` lists them."
        ),
    ] = "en"


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
    max_letters: Annotated[
        Optional[int],
        typer.Option(min=1, help="Leave out longer transcripts: what the model writes at most."),
    ] = None
    for_model: Annotated[
        Optional[str],
        typer.Option(
            "--for-model",
            help="Leave out whatever this model cannot take: too long, too much text, too little "
            "sound for its text. A shipped model's name, or a folder.",
        ),
    ] = None
    keep_annotations: Annotated[
        bool,
        typer.Option(
            "--keep-annotations", help='Take the words of "[laughter]", "(coughs)" for said.'
        ),
    ] = False
    drop_annotations: Annotated[
        bool, typer.Option("--drop-annotations", help="Leave such words out of the transcripts.")
    ] = False
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
    text: TextOptions,
    cut: CutOptions,
    as_json: JsonOption = False,
) -> None:
    """Bring in recordings; print the manifest's path, for `data.manifest` of a scenario."""
    from harness.speech.import_report import facts
    from harness.speech.importing import ImportOptions, import_recordings
    from harness.speech.json_pieces import Pairs, json_pieces
    from harness.speech.languages import language
    from harness.speech.sources import find_sources

    if cut.keep_annotations and cut.drop_annotations:
        raise InputError(
            "both --keep-annotations and --drop-annotations", hint="Give one of the two."
        )
    options = ImportOptions(
        train=cut.train,
        validation=cut.validation,
        rounds=cut.rounds,
        seed=cut.seed,
        resplit=cut.resplit,
        language=language(text.language, "--language").code,
        min_seconds=cut.min_seconds,
        max_seconds=cut.max_seconds,
        max_letters=cut.max_letters,
        fits=None if cut.for_model is None else _fits(cut.for_model),
        annotations=_annotations(cut.keep_annotations, cut.drop_annotations),
        skip_bad=source.layout != "folder" if cut.skip_bad is None else cut.skip_bad,
    )
    sources = find_sources(folder, **asdict(source), by_speaker=cut.resplit, leave=out)
    read = 0
    try:
        with _shown("reading") as shown:

            def progress(done: int, total: int) -> None:
                nonlocal read
                read = done
                shown(done, total)

            imported = import_recordings(sources, out, options, progress)
    except KeyboardInterrupt:
        console.note(
            f"{read} of {len(sources)} recordings were read. What was converted is kept in {out}: "
            "the same command goes on from there."
        )
        raise
    manifest = str(imported.manifest)
    if as_json:
        document = Pairs(itertools.chain([("manifest", manifest)], facts(imported)))
        console.emit_pieces(json_pieces(document, indent=2, ascii_only=False))
        return
    _tell(imported)
    console.say(manifest)


def _annotations(keep: bool, drop: bool) -> Annotations:
    if keep:
        return "keep"
    return "drop" if drop else "refuse"


def _fits(name: str) -> Callable[[int, str], None]:
    """Return a check of (samples, transcript) against what a model takes.

    Raises:
        InputError: There is no such model.
    """
    from harness.cli.materials import model_takes

    return model_takes(name)


@app.command("languages")
def languages_(as_json: JsonOption = False) -> None:
    """List the languages: their corpora, voices, and what a model writes that keeps accents."""
    from harness.contract.alphabet import in_words
    from harness.speech.languages import languages

    if as_json:
        console.emit_json(
            [
                {
                    "language": each.code,
                    "name": each.name,
                    "corpus": f"{SPOKEN}{each.code}",
                    "speakers": list(each.speakers),
                    "voices": [voice.name for voice in each.voices],
                    "words": len(each.grammar.words),
                    "alphabet": each.alphabet,
                }
                for each in languages().values()
            ]
        )
        return
    console.table(
        ("language", "corpus", "speakers", "words", "letters kept"),
        [
            (
                each.name,
                f"{SPOKEN}{each.code}",
                ", ".join(each.speakers),
                str(len(each.grammar.words)),
                in_words(each.alphabet),
            )
            for each in languages().values()
        ],
    )


_SPEAKERS_SHOWN = 20


def _tell(imported: Imported) -> None:
    """Say what is in a corpus, what is not and why: a line a speaker, for the first of them."""
    contents = imported.contents
    speakers = 0
    for speakers, own in enumerate(contents.by_speaker(), 1):
        if speakers > _SPEAKERS_SHOWN:
            continue
        parts = [
            f"round {number}: {own.counts[number, 'train']} to train, "
            f"{own.counts[number, 'validation']} to validate"
            for number in sorted({number for number, _ in own.counts})
        ]
        minutes = own.seconds / 60
        console.note(f"{own.speaker} ({own.accent}), {minutes:.1f} min: {'; '.join(parts)}")
    if speakers > _SPEAKERS_SHOWN:
        console.note(
            f"and {speakers - _SPEAKERS_SHOWN} speakers more, {speakers} in all: "
            f"{contents.utterances} recordings, {contents.seconds / 60:.1f} min "
            "(import.json names all)"
        )
    for warning in itertools.islice(imported.warnings, _SPEAKERS_SHOWN):
        console.note(f"warning: {warning}")
    if len(imported.warnings) > _SPEAKERS_SHOWN:
        console.note(f"warning: and {len(imported.warnings) - _SPEAKERS_SHOWN} more (import.json)")
    for example, count in imported.left_out.reasons():
        console.note(
            f"left out, {example.reason}: {count}, such as {example.where}: {example.detail}"
        )
