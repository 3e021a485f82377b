"""Recordings that somebody made -> a corpus that scenarios and pre-training can use.

Everything is checked before the first file is written. ``wav/<key>.wav`` holds each recording,
converted, under a hash of the original, so that an import that was interrupted, or is made again
after a recording was added, converts only what is new. The manifest comes last.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import filelock

from harness.errors import InputError
from harness.speech.audio import CLIPPED_SHARE, read_recording, wav_bytes
from harness.speech.files import is_partial, write_atomically
from harness.speech.import_report import Imported, LeftOut, refuse, report, require
from harness.speech.manifest import Utterance, load_manifest, manifest_lines
from harness.speech.sources import Source
from harness.speech.splitting import Place, shared_sentences, split_speaker
from harness.speech.text import Annotations, transcript

MANIFEST = "manifest.jsonl"
REPORT = "import.json"
_LOCK = ".lock"

Progress = Callable[[int, int], None]
"""Called with (recordings read, recordings in all)."""

_AHEAD: Final = 64
"""Recordings that are read before the first of them is taken."""
_FORMAT = 2
"""Part of every key; raise it when the conversion changes."""


@dataclass(frozen=True)
class ImportOptions:
    """What to keep of the recordings, and how to cut them.

    Attributes:
        train: Training recordings a speaker and round; None = all.
        validation: Validation recordings; None = one of four.
        rounds: Disjoint rounds.
        seed: Of the cut.
        resplit: Cut by speaker even where the layout has splits of its own.
        min_seconds: Shorter recordings are left out.
        max_seconds: Longer recordings are left out; None = no limit.
        max_letters: Recordings with longer transcripts are left out; None = no limit.
        fits: Called with (samples at 16 kHz, transcript); what it raises an `InputError` for is
            left out: what a model cannot take. None = all fit.
        annotations: What to do with "[laughter]" and the like in transcripts.
        skip_bad: Leave out what cannot be used, rather than refuse it all.
    """

    train: int | None = None
    validation: int | None = None
    rounds: int = 1
    seed: int = 0
    resplit: bool = False
    min_seconds: float = 0.3
    max_seconds: float | None = None
    max_letters: int | None = None
    fits: Callable[[int, str], None] | None = None
    annotations: Annotations = "refuse"
    skip_bad: bool = False


@dataclass(frozen=True, slots=True)
class _Read:
    """A source whose recording was converted. There may be a million: it holds no path."""

    source: Source
    text: str
    sha256: str
    recording: str
    """Key of the original's content."""
    seconds: float
    clipped: float


_Result = TypeVar("_Result")


def _nothing(_done: int, _total: int) -> None:
    pass


def import_recordings(
    sources: Sequence[Source],
    out: Path,
    options: ImportOptions,
    progress: Progress = _nothing,
) -> Imported:
    """Convert recordings and write their manifest.

    Args:
        sources: From :func:`harness.speech.sources.find_sources`.
        out: Folder to write: ``manifest.jsonl``, ``import.json`` (what was left out) and ``wav/``.
        options: What to keep.
        progress: Told after each recording.

    Raises:
        InputError: A recording or transcript cannot be used and ``skip_bad`` is off (all of them
            are named, ten at most), there are too few, or ``out`` holds something else.
    """
    _check_out(out)
    sources, kept_out = _wanted(sources, options)
    if not options.skip_bad:
        texts = (_text(source, options) for source in sources)
        refuse(text for text in texts if isinstance(text, InputError))
    require(sources, kept_out)
    out.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(out / _LOCK):
        _forget_partial(out)
        try:
            return _import(sources, kept_out, out, options, progress)
        except InputError:  # interrupted, it would go on with what is there
            if not (out / MANIFEST).exists():
                _forget_others(out, set())
                _remove_if_empty(out)
            raise


def _import(
    sources: Sequence[Source],
    kept_out: Sequence[LeftOut],
    out: Path,
    options: ImportOptions,
    progress: Progress,
) -> Imported:
    left = list(kept_out)
    bad: list[InputError] = []
    reads: list[_Read] = []
    # soundfile and soxr leave the interpreter to the other threads while they work
    pool = ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1))
    try:
        results = _in_turn(pool, lambda source: _read(source, out, options), sources)
        for number, result in enumerate(results, 1):
            progress(number, len(sources))
            if isinstance(result, _Read):
                reads.append(result)
            elif isinstance(result, LeftOut):
                left.append(result)
            else:
                bad.append(result)
    finally:
        pool.shutdown(cancel_futures=True)
    if not options.skip_bad:
        refuse(bad)
    left += [LeftOut.because(error) for error in bad]
    reads = _once(reads, left, skip_bad=options.skip_bad)
    require(reads, left)
    placed = _place(reads, left, options)
    require(placed, left)
    warnings = tuple(_warnings(placed))
    write_atomically(out / MANIFEST, manifest_lines(_utterances(placed, out), out).encode())
    del reads, placed  # what was written is read again: not held twice
    corpus = load_manifest(out / MANIFEST)
    imported = Imported(corpus, tuple(left), warnings)
    write_atomically(out / REPORT, (json.dumps(report(imported), indent=1) + "\n").encode())
    _forget_others(out, {utterance.audio.name for utterance in corpus.utterances})
    return imported


def _in_turn(
    pool: ThreadPoolExecutor, work: Callable[[Source], _Result], sources: Iterable[Source]
) -> Iterator[_Result]:
    """Yield what ``work`` makes of each source, in order, with few of them under way.

    ``Executor.map`` submits all of them at once, and a future takes more memory than its result.
    """
    waiting: deque[Future[_Result]] = deque()
    for source in sources:
        waiting.append(pool.submit(work, source))
        if len(waiting) > _AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _wanted(
    sources: Sequence[Source], options: ImportOptions
) -> tuple[list[Source], list[LeftOut]]:
    """Part the sources for training and validation from a layout's own test set."""
    left = [LeftOut.because(s.problem, s.where) for s in sources if s.passed_over and s.problem]
    sources = [source for source in sources if not source.passed_over]
    if options.resplit or not any(source.split for source in sources):
        return list(sources), left
    ours = ("train", "validation")
    # a row that cannot be read says no split: it is wrong, not kept out
    unread = [source.split is None and source.problem is not None for source in sources]
    pairs = list(zip(sources, unread, strict=True))
    wanted = [source for source, bad in pairs if bad or source.split in ours]
    elsewhere = [source for source, bad in pairs if not bad and source.split not in ours]
    detail = "kept out of train and validation; --resplit would cut by speaker"
    left += [LeftOut(o.where, "test split" if o.split else "no split", detail) for o in elsewhere]
    require(wanted, left)
    return wanted, left


# -- checks ---------------------------------------------------------------------------------------


def _check_out(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise InputError("is a file; a corpus is a folder", where=str(out))
    ours = {MANIFEST, REPORT, _LOCK, "wav"}
    files = list(out.iterdir()) if out.is_dir() else []
    strangers = [path.name for path in files if path.name not in ours and not is_partial(path)]
    if strangers:
        raise InputError(
            f"holds other things than an import, such as {sorted(strangers)[0]}",
            where=str(out),
            hint="Give --out a new folder.",
        )


def _text(source: Source, options: ImportOptions) -> str | InputError:
    """Return a source's normalised transcript, or why the source cannot be used."""
    if source.problem is not None:
        return source.problem
    try:
        return transcript(source.text, source.where, options.annotations)
    except InputError as error:
        return error


# -- recordings -----------------------------------------------------------------------------------


def _read(source: Source, out: Path, options: ImportOptions) -> _Read | LeftOut | InputError:
    text = _text(source, options)
    if isinstance(text, InputError):
        return text
    if options.max_letters is not None and len(text) > options.max_letters:
        detail = f"{len(text)} letters, more than {options.max_letters}"
        return LeftOut(source.where, "text too long", detail)
    try:
        key = _key(source)
        wav = _wav(out, key)
        # a converted file is read again rather than trusted: what it is goes into the manifest
        recording = (
            read_recording(wav)
            if wav.is_file()
            else read_recording(source.audio, source.segment, at_most_s=options.max_seconds)
        )
    except InputError as error:
        return error
    unfit = _left_for_length(source, recording.seconds, options)
    if unfit is not None:
        return unfit
    if options.fits is not None:
        try:
            options.fits(len(recording.samples), text)
        except InputError as error:
            return LeftOut(str(source.audio), "does not fit the model", error.what)
    data = wav_bytes(recording.samples)
    if not wav.is_file():
        write_atomically(wav, data)
    sha256 = hashlib.sha256(data).hexdigest()
    return _Read(source, text, sha256, key, recording.seconds, recording.clipped)


def _wav(out: Path, key: str) -> Path:
    return out / "wav" / f"{key}.wav"


def _key(source: Source) -> str:
    """Return a name for what is converted: by the file's content, and the part of it.

    Raises:
        InputError: It cannot be read.
    """
    try:
        status = source.audio.stat()
        content = _content_sha256(source.audio, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(source.audio)) from error
    part = source.segment
    named = "" if part is None else f"{part.start_s}:{part.seconds}:{part.rounded_s}:"
    return hashlib.sha256(f"{_FORMAT}:{named}{content}".encode()).hexdigest()[:24]


@functools.lru_cache(maxsize=64)
def _content_sha256(path: Path, _size: int, _changed_ns: int) -> str:
    """Return the digest of a file; kept for those that many segments are cut from."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _left_for_length(source: Source, seconds: float, options: ImportOptions) -> LeftOut | None:
    if seconds < options.min_seconds:
        detail = f"lasts {seconds:.2f} s, less than {options.min_seconds:g} s"
        return LeftOut(str(source.audio), "too short", detail)
    if options.max_seconds is not None and seconds > options.max_seconds:
        return _too_long(source, seconds, options.max_seconds)
    return None


def _too_long(source: Source, seconds: float, most: float) -> LeftOut:
    # decoding stops a second after the limit
    lasts = f"{seconds:.2f} s, more than" if seconds < most + 1 else "more than"
    return LeftOut(str(source.audio), "too long", f"lasts {lasts} {most:g} s")


def _once(taken: Sequence[_Read], left: list[LeftOut], *, skip_bad: bool) -> list[_Read]:
    """Keep the first of recordings that are the same file: one could train, one validate.

    Raises:
        InputError: Their transcripts differ, so that at least one is wrong; with ``skip_bad`` they
            are all left out.
    """
    same: dict[str, list[_Read]] = defaultdict(list)
    for read in taken:
        same[read.recording].append(read)
    wrong = [reads for reads in same.values() if len({read.text for read in reads}) > 1]
    problems = [
        InputError(
            f"one recording with several texts: {reads[0].text!r} and {read.text!r}",
            where=read.source.where,
            hint=f"{reads[0].source.where} has the other. Give offset and duration of segments.",
        )
        for reads in wrong
        for read in reads[1:]
        if read.text != reads[0].text
    ]
    if not skip_bad:
        refuse(problems)
    for reads in wrong:
        detail = f"{reads[0].source.where} and {reads[1].source.where} say different things of it"
        left += [LeftOut(r.source.where, "several texts of one recording", detail) for r in reads]
    for reads in same.values():
        if reads not in wrong:
            first = reads[0].source.audio
            left += [
                LeftOut(str(r.source.audio), "twice", f"is the same file as {first}")
                for r in reads[1:]
            ]
    contradicted = {reads[0].recording for reads in wrong}
    return [reads[0] for recording, reads in same.items() if recording not in contradicted]


def _place(
    reads: Sequence[_Read], left: list[LeftOut], options: ImportOptions
) -> list[tuple[_Read, Place]]:
    """Give every recording its split and round; note those that no split wants."""
    if not options.resplit and reads[0].source.split is not None:
        return [(read, Place(str(read.source.split), 1)) for read in reads]
    by_speaker: dict[str, list[_Read]] = defaultdict(list)
    for read in reads:
        by_speaker[read.source.speaker].append(read)
    placed = []
    for speaker, own in by_speaker.items():
        try:
            places = split_speaker(
                [read.text for read in own],
                speaker,
                rounds=options.rounds,
                train=options.train,
                validation=options.validation,
                seed=options.seed,
            )
        except InputError as error:
            if not options.skip_bad:
                raise
            left += [LeftOut(str(o.source.audio), "speaker has too few", error.what) for o in own]
            continue
        for number, read in enumerate(own):
            if number in places:
                placed.append((read, places[number]))
            else:
                left.append(LeftOut(str(read.source.audio), "not needed", "there are enough"))
    rank = {speaker: number for number, speaker in enumerate(by_speaker)}
    return sorted(placed, key=lambda p: (rank[p[0].source.speaker], p[1].round, p[1].split))


def _utterances(placed: Iterable[tuple[_Read, Place]], out: Path) -> Iterator[Utterance]:
    names: Counter[str] = Counter()
    for read, place in placed:
        stem = re.sub(r"[^a-z0-9._-]+", "-", read.source.audio.stem.lower()).strip("-.") or "x"
        name = f"{read.source.speaker}-{stem}"
        names[name] += 1
        yield Utterance(
            id=name if names[name] == 1 else f"{name}~{names[name]}",
            audio=_wav(out, read.recording),
            text=read.text,
            speaker=read.source.speaker,
            accent=read.source.accent,
            duration_s=round(read.seconds, 4),
            sha256=read.sha256,
            split=place.split,
            round=place.round,
        )


def _warnings(placed: Sequence[tuple[_Read, Place]]) -> Iterable[str]:
    for read, _ in placed:
        if read.clipped > CLIPPED_SHARE:
            yield f"{read.source.audio}: {100 * read.clipped:.1f} % of its samples are clipped"
    both = shared_sentences((read.text, place.split) for read, place in placed)
    if both:
        yield (
            f"{both} sentence(s) are in train and in validation, read by different speakers or "
            "so split by the layout"
        )


# -- the folder -----------------------------------------------------------------------------------


def _forget_others(out: Path, wanted: set[str]) -> None:
    """Delete conversions that the manifest does not name (a recording was taken away)."""
    for path in (out / "wav").glob("*.wav"):
        if re.fullmatch(r"[0-9a-f]{24}\.wav", path.name) and path.name not in wanted:
            path.unlink()


def _forget_partial(out: Path) -> None:
    """Delete what an import that was killed was about to write."""
    for path in (*out.iterdir(), *(out / "wav").glob(".*")):
        if is_partial(path):
            path.unlink()


def _remove_if_empty(out: Path) -> None:
    wav = out / "wav"
    if wav.is_dir() and not any(wav.iterdir()):
        wav.rmdir()
    if [path.name for path in out.iterdir()] == [_LOCK]:
        (out / _LOCK).unlink()
        out.rmdir()
