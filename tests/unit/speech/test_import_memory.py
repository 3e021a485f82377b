"""What is known of each recording lies on disk: twice as many take no more memory."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from harness.errors import InputError
from harness.speech import importing, manifest
from harness.speech.importing import ImportOptions, import_recordings
from harness.speech.sources import find_sources
from harness.speech.spool import Spool

CLIPS = 400
MOST_B = 150
"""Bytes that one more recording may cost; its path alone takes more. (2.3 kB were held once.)"""


def word(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def in_a_table(folder: Path, clips: int, person: Callable[[int], str]) -> None:
    with (folder / "all.csv").open("w") as table:
        table.write("file,text,speaker\n")
        for number in range(clips):
            (folder / f"{number}.wav").touch()
            table.write(f"{number}.wav,clip {word(number)},{person(number)}\n")


def few_speakers(folder: Path, clips: int) -> None:
    in_a_table(folder, clips, lambda number: f"s{number % 3}")


def as_many_speakers(folder: Path, clips: int) -> None:
    in_a_table(folder, clips, lambda number: f"s{number // 2}")


def text_files(folder: Path, clips: int) -> None:
    for number in range(clips):
        (folder / f"{number}.wav").touch()
        (folder / f"{number}.txt").write_text(f"clip {word(number)}")


def nothing_usable(folder: Path, clips: int) -> None:
    for number in range(clips):
        (folder / f"{number}.wav").touch()
        text = f"clip {word(number)}" if number < 4 else f"clip {number}"
        (folder / f"{number}.txt").write_text(text)


def one_file_many_times(folder: Path, clips: int) -> None:
    lines = [f"{n % 2 or n}.wav,clip {word(n % 2 or n)},a\n" for n in range(clips)]
    (folder / "all.csv").write_text("file,text,speaker\n" + "".join(lines))
    for number in range(clips):
        (folder / f"{number}.wav").touch()


def librispeech(folder: Path, clips: int) -> None:
    for chapter in range(clips // 50):
        below = folder / "train-clean" / str(chapter) / "1"
        below.mkdir(parents=True)
        names = [f"{chapter}-1-{number:04}" for number in range(50)]
        for number, name in enumerate(names):
            (below / f"{name}.flac").touch()
            names[number] = f"{name} CLIP {word(number)}"
        (below / f"{chapter}-1.trans.txt").write_text("\n".join(names))


def commonvoice(folder: Path, clips: int) -> None:
    (folder / "clips").mkdir()
    with (folder / "train.tsv").open("w") as table:
        table.write("client_id\tpath\tsentence\n")
        for number in range(clips):
            (folder / "clips" / f"{number}.mp3").touch()
            table.write(f"c{number % 7}\t{number}.mp3\tclip {word(number)}\n")


@pytest.fixture
def undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recordings are their names: nothing is decoded, nothing is written but the manifest."""
    samples = np.ones(8, np.int16)
    recording = SimpleNamespace(samples=samples, seconds=0.5, clipped=1.0)
    monkeypatch.setattr(importing, "read_recording", lambda *_, **__: recording)
    monkeypatch.setattr(importing, "_key", lambda source: f"{hash(source.audio) % 2**96:024x}")
    monkeypatch.setattr(importing, "_wav", lambda out, key: out / "wav" / f"{key}.wav")
    monkeypatch.setattr(importing, "wav_bytes", lambda _: b"")
    real = importing.write_atomically
    written = lambda path, data: None if path.suffix == ".wav" else real(path, data)  # noqa: E731
    monkeypatch.setattr(importing, "write_atomically", written)
    # pathlib would have the interpreter make its table of names anew, now and then
    monkeypatch.setattr(sys, "intern", lambda text: text)
    monkeypatch.setattr(manifest, "_duration", lambda record, *_: record["duration_s"])


def peak_b(folder: Path, clips: int, make: Callable[[Path, int], None]) -> int:
    folder.mkdir()
    make(folder, clips)
    named = make.__name__
    layout = named if named in ("librispeech", "commonvoice") else "folder"
    gc.collect()
    tracemalloc.start()
    try:
        sources = find_sources(folder, layout)
        out = folder.with_name(f"{folder.name}-out")
        imported = import_recordings(sources, out, ImportOptions(skip_bad=True))
        assert len(sources) >= clips
        assert len(imported.left_out) + imported.contents.utterances == len(sources)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.usefixtures("undecoded")
@pytest.mark.parametrize(
    "make",
    [
        few_speakers,
        as_many_speakers,
        text_files,
        nothing_usable,
        one_file_many_times,
        librispeech,
        commonvoice,
    ],
)
def test_one_more_recording_costs_no_memory(make, tmp_path):
    peak_b(tmp_path / "first", 50, make)  # what is imported and compiled once
    once = peak_b(tmp_path / "once", CLIPS, make)
    twice = peak_b(tmp_path / "twice", 2 * CLIPS, make)
    assert (twice - once) / CLIPS < MOST_B


def test_a_spool_that_is_killed_leaves_nothing(tmp_path):
    code = (
        "import os, signal\n"
        "from harness.speech.spool import Spool\n"
        "items = Spool().new_list()\n"
        "items.extend('x' * 1000 for _ in range(20_000))\n"
        "files = [os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd')\n"
        "         if os.path.lexists(f'/proc/self/fd/{n}')]\n"
        f"print([name for name in files if name.startswith({str(tmp_path)!r})], flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"SQLITE_TMPDIR": str(tmp_path), "PATH": ""},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert "etilqs" in done.stdout  # it was there, on disk
    assert list(tmp_path.iterdir()) == []


def test_lists_and_sets_are_apart_and_keep_their_order():
    spool = Spool()
    first, second = spool.new_list(), spool.new_list()
    names, others = spool.new_set(), spool.new_set()
    first.extend([3, {"a": None}, 1])
    second.append("b")
    for name in ("b", "\udcff", "\ue000", "a", "a\0b", "a.b", "b"):
        names.add(name)
    others.add("c")
    assert (list(first), len(first), list(second)) == ([3, {"a": None}, 1], 3, ["b"])
    assert list(names) == sorted({"b", "\udcff", "\ue000", "a", "a\0b", "a.b"})
    assert ("c" in names, "c" in others, "\udcff" in names) == (False, True, True)
    assert json.dumps(list(names.between("a", "b"))) == '["a", "a\\u0000b", "a.b"]'


def test_a_full_disk_is_an_error_of_its_own():
    spool = Spool()
    spool.run("PRAGMA max_page_count = 20")
    with pytest.raises(InputError, match="cannot be kept on disk: database or disk is full"):
        spool.new_list().extend(range(100_000))
