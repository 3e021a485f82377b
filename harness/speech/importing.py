"""Recordings that somebody made -> a corpus that scenarios and pre-training can use.

Everything is checked before the first file is written. ``wav/<key>.wav`` holds each recording,
converted, under a hash of the original, so that an import that was interrupted, or is made again
after a recording was added, converts only what is new. The manifest comes last.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import os
import re
from collections import deque
from collections.abc import Callable, Collection, Container, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import filelock

from harness.errors import InputError
from harness.speech.audio import read_recording, wav_bytes
from harness.speech.files import is_partial, write_atomically
from harness.speech.import_report import (
    Contents,
    Imported,
    LeftOut,
    LeftOuts,
    refuse,
    report,
    require,
)
from harness.speech.languages import language
from harness.speech.manifest import manifest_lines, read_manifest
from harness.speech.placing import Cut, Read, Reads
from harness.speech.sources import Source
from harness.speech.spool import Spool, SpooledList
from harness.speech.text import Annotations, folded, transcript

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
class ImportOptions(Cut):
    """What to keep of the recordings, and how to cut them.

    Attributes:
        min_seconds: Shorter recordings are left out.
        max_seconds: Longer recordings are left out; None = no limit.
        max_letters: Recordings with longer transcripts are left out; None = no limit.
        fits: Called with (samples at 16 kHz, transcript in a to z); what it raises an `InputError`
            for is left out: what a model cannot take. None = all fit.
        annotations: What to do with "[laughter]" and the like in transcripts.
    """

    min_seconds: float = 0.3
    max_seconds: float | None = None
    max_letters: int | None = None
    fits: Callable[[int, str], None] | None = None
    annotations: Annotations = "refuse"


_Result = TypeVar("_Result")


def _nothing(_done: int, _total: int) -> None:
    pass


def import_recordings(
    sources: Collection[Source],
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
    spool = Spool()
    left = LeftOuts(spool)
    wanted = _Wanted(sources, options, left)
    require(len(wanted), left)
    if not options.skip_bad:
        texts = (_text(source, options) for source in wanted)
        refuse(text for text in texts if isinstance(text, InputError))
    out.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(out / _LOCK):
        _forget_partial(out)
        try:
            return _import(wanted, left, spool, out, options, progress)
        except InputError:  # interrupted, it would go on with what is there
            if not (out / MANIFEST).exists():
                _forget_others(out, ())
                _remove_if_empty(out)
            raise


def _import(
    sources: Collection[Source],
    left: LeftOuts,
    spool: Spool,
    out: Path,
    options: ImportOptions,
    progress: Progress,
) -> Imported:
    bad: SpooledList[InputError] = spool.new_list()
    reads = Reads(spool, options)
    # soundfile and soxr leave the interpreter to the other threads while they work
    pool = ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1))
    try:
        results = _in_turn(pool, lambda source: _read(source, out, options), sources)
        for number, result in enumerate(results, 1):
            progress(number, len(sources))
            if isinstance(result, Read):
                reads.add(result)
            elif isinstance(result, LeftOut):
                left.append(result)
            else:
                bad.append(result)
    finally:
        pool.shutdown(cancel_futures=True)
    if not options.skip_bad:
        refuse(bad)
    left.extend(map(LeftOut.because, bad))
    reads.keep_once(left)
    require(len(reads), left)
    reads.place(left)
    require(reads.placed, left)
    warnings: SpooledList[str] = spool.new_list()
    warnings.extend(reads.warnings())
    manifest = out / MANIFEST
    write_atomically(manifest, manifest_lines(reads.utterances(out / "wav"), out))
    # what was written is read again, and checked
    contents, digest, names = Contents(spool), hashlib.sha256(), spool.new_set()
    for _, utterance in read_manifest(manifest, digest):
        contents.add(utterance)
        names.add(utterance.audio.name)
    imported = Imported(manifest, digest.hexdigest(), contents, left, warnings)
    write_atomically(out / REPORT, map(str.encode, itertools.chain(report(imported), "\n")))
    _forget_others(out, names)
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


class _Wanted(Collection[Source]):
    """The sources for training and validation, without a layout's own test set.

    Args:
        sources: All there are.
        options: What to keep.
        left: Is told of those that are not wanted.
    """

    def __init__(self, sources: Collection[Source], options: ImportOptions, left: LeftOuts) -> None:
        self._sources = sources
        self._by_layout = False
        for source in sources:
            if not source.passed_over:
                self._by_layout |= not options.resplit and bool(source.split)
            elif source.problem is not None:
                left.append(LeftOut.because(source.problem, source.where))
        self._length = 0
        detail = "kept out of train and validation; --resplit would cut by speaker"
        for source in sources:
            if source in self:
                self._length += 1
            elif not source.passed_over:
                reason = "test split" if source.split else "no split"
                left.append(LeftOut(source.where, reason, detail))

    def __contains__(self, source: object) -> bool:
        if not isinstance(source, Source) or source.passed_over:
            return False
        # a row that cannot be read says no split: it is wrong, not kept out
        unread = source.split is None and source.problem is not None
        return not self._by_layout or unread or source.split in ("train", "validation")

    def __iter__(self) -> Iterator[Source]:
        return (source for source in self._sources if source in self)

    def __len__(self) -> int:
        return self._length


# -- checks ---------------------------------------------------------------------------------------


def _check_out(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise InputError("is a file; a corpus is a folder", where=str(out))
    ours = {MANIFEST, REPORT, _LOCK, "wav"}
    strangers = (
        path.name for path in _entries(out) if path.name not in ours and not is_partial(path)
    )
    stranger = min(strangers, default=None)
    if stranger is not None:
        raise InputError(
            f"holds other things than an import, such as {stranger}",
            where=str(out),
            hint="Give --out a new folder.",
        )


def _text(source: Source, options: ImportOptions) -> str | InputError:
    """Return a source's normalised transcript, or why the source cannot be used."""
    if source.problem is not None:
        return source.problem
    try:
        spelling = language(options.language).spelling
        return transcript(source.text, source.where, options.annotations, spelling)
    except InputError as error:
        return error.with_traceback(None)  # its frames hold whatever they held


# -- recordings -----------------------------------------------------------------------------------


def _read(source: Source, out: Path, options: ImportOptions) -> Read | LeftOut | InputError:
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
        return error.with_traceback(None)  # its frames hold whatever they held
    unfit = _left_for_length(source, recording.seconds, options)
    if unfit is not None:
        return unfit
    if options.fits is not None:
        try:
            spelling = language(options.language).spelling
            options.fits(len(recording.samples), folded(text, spelling))
        except InputError as error:
            return LeftOut(str(source.audio), "does not fit the model", error.what)
    data = wav_bytes(recording.samples)
    if not wav.is_file():
        write_atomically(wav, data)
    sha256 = hashlib.sha256(data).hexdigest()
    return Read(source, text, sha256, key, recording.seconds, recording.clipped)


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


# -- the folder -----------------------------------------------------------------------------------


def _forget_others(out: Path, wanted: Container[str]) -> None:
    """Delete conversions that the manifest does not name (a recording was taken away)."""
    for entry in _entries(out / "wav"):
        if re.fullmatch(r"[0-9a-f]{24}\.wav", entry.name) and entry.name not in wanted:
            entry.unlink()


def _forget_partial(out: Path) -> None:
    """Delete what an import that was killed was about to write."""
    for folder in (out, out / "wav"):
        for path in _entries(folder):
            if is_partial(path):
                path.unlink()


def _entries(folder: Path) -> Iterator[Path]:
    """Yield what is in a folder, if it is there, without a list of it."""
    if folder.is_dir():
        with os.scandir(folder) as entries:
            yield from (folder / entry.name for entry in entries)


def _remove_if_empty(out: Path) -> None:
    wav = out / "wav"
    if wav.is_dir() and not any(wav.iterdir()):
        wav.rmdir()
    if [path.name for path in out.iterdir()] == [_LOCK]:
        (out / _LOCK).unlink()
        out.rmdir()
