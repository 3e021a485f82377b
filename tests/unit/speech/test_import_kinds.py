"""Faults that people reported of imports, each for its kind: nothing silent, nothing lost."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import pytest

from harness.errors import InputError
from harness.speech.import_report import report
from harness.speech.importing import ImportOptions, import_recordings
from harness.speech.sources import find_sources

WORDS = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot"]


@pytest.fixture
def folder(record, tmp_path):
    """Six recordings, nothing beside them."""
    for n in range(6):
        record(tmp_path / "in" / f"{n}.wav", hz=300 + 50 * n)
    return tmp_path / "in"


def imported(folder: Path, out: Path, layout="folder", *, find=None, **options):
    sources = find_sources(folder, layout, leave=out, **(find or {}))
    return import_recordings(sources, out, ImportOptions(**options))


def reasons(result) -> dict[str, int]:
    return {first.reason: count for first, count in result.left_out.reasons()}


def texts(result) -> list[str]:
    return sorted(utterance.text for utterance in result.corpus.utterances)


# -- tables ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["t.tsv", "t.csv"])
@pytest.mark.parametrize(
    "bad",
    [
        '"charlie',  # never closed
        'charlie "or',  # fine in the middle: quotes only count at the beginning of a cell
        '"charlie" or',
        'x"',
    ],
)
def test_a_stray_quote_never_joins_rows(folder, tmp_path, name, bad):
    cells = [bad if word == "charlie" else word for word in WORDS]
    separator = "\t" if name.endswith("tsv") else ","
    lines = [f"{n}.wav{separator}{cell}" for n, cell in enumerate(cells)]
    (folder / name).write_text("\n".join([f"path{separator}sentence", *lines]) + "\n")
    if bad.startswith('"'):
        with pytest.raises(InputError, match=rf"{name}:4: a quote in this line is not closed"):
            imported(folder, tmp_path / "out")
        assert len(texts(imported(folder, tmp_path / "out", skip_bad=True))) == 5
    else:
        assert len(texts(imported(folder, tmp_path / "out"))) == 6


def test_a_cell_over_two_lines_is_named_where_it_begins(folder, tmp_path):
    (folder / "t.csv").write_text('file,text\n0.wav,alpha\n1.wav,"bravo\nx"\n2.wav,charlie\n')
    with pytest.raises(InputError, match=r"t\.csv:3: a quote"):
        imported(folder, tmp_path / "out")


def test_a_bad_row_costs_only_itself_where_such_rows_are_skipped(folder, tmp_path):
    (folder / "t.tsv").write_text(
        "file\ttext\n0.wav\talpha\n1.wav\tbravo\tx\n2.wav\n3.wav\tdelta\n4.wav\techo\n"
    )
    result = imported(folder, tmp_path / "out", skip_bad=True)
    assert texts(result) == ["alpha", "delta", "echo"]
    where = {left.where for left in result.left_out if "cells" in left.reason}
    assert where == {f"{folder}/t.tsv:3", f"{folder}/t.tsv:4"}


def test_segments_of_one_file_are_cut(folder, record, tmp_path):
    record(folder / "long.wav", seconds=3.0, hz=440.3)
    rows = [
        {"audio_filepath": "long.wav", "offset": n, "duration": 1, "text": WORDS[n]}
        for n in range(3)
    ]
    (folder / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = imported(folder, tmp_path / "out")
    assert texts(result) == WORDS[:3]
    assert [u.duration_s for u in result.corpus.utterances] == [1.0] * 3
    assert len({u.sha256 for u in result.corpus.utterances}) > 1
    assert reasons(result) == {"the table does not list it": 6}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"offset": 5, "duration": 1}, "before the segment|no sound"),
        ({"offset": 0, "duration": 9}, "before the segment"),
        ({"offset": 0, "duration": 0}, "a segment of 0 s"),
        ({"offset": -1}, "no time in seconds"),
        ({"offset": "00:01"}, "no time in seconds"),
        ({"start": 0.4, "end": 0.2}, "a segment of -0.2 s"),
        ({"duration": 2870}, "before the segment"),
        ({"duration": True}, "no time in seconds"),
    ],
)
def test_a_segment_that_cannot_be_is_refused(folder, tmp_path, row, words):
    rows = [{"file": "0.wav", "text": "alpha", **row}, {"file": "1.wav", "text": "bravo"}]
    (folder / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InputError, match=words):
        imported(folder, tmp_path / "out")


def test_a_lhotse_manifest_is_told_apart(folder, tmp_path):
    (folder / "cuts.jsonl").write_text('{"id": "x", "start": 0, "recording": {}, "text": "a"}\n')
    with pytest.raises(InputError, match="lhotse"):
        imported(folder, tmp_path / "out")


@pytest.mark.parametrize("column", ["speaker", "spk_id", "client_id", "speaker_name"])
def test_people_are_never_merged(folder, tmp_path, column):
    people = ["\u0410\u043d\u043d\u0430", "\u041c\u0430\u0440\u0438\u044f", "Zo\u00eb"]
    rows = [{"file": f"{n}.wav", "text": WORDS[n], column: people[n % 3]} for n in range(6)]
    (folder / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert len(imported(folder, tmp_path / "out").corpus.speakers) == 3


def test_ids_that_are_numbers(folder, tmp_path):
    ids = [7, 7.0, "7", 8, 8, 8]
    rows = [{"file": f"{n}.wav", "text": WORDS[n], "spk_id": ids[n]} for n in range(6)]
    (folder / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert sorted(imported(folder, tmp_path / "out").corpus.speakers) == ["7", "8"]


# -- folders --------------------------------------------------------------------------------------


def _libri(root: Path, record, subset: str, speaker: int, suffix: str = ".flac") -> None:
    chapter = root / subset / str(speaker) / "1"
    lines = []
    for n in range(2):
        record(chapter / f"{speaker}-1-{n:04}{suffix}", hz=300 + 37 * n + speaker)
        lines.append(f"{speaker}-1-{n:04} {WORDS[n].upper()} {WORDS[speaker % 6].upper()}\n")
    (chapter / f"{speaker}-1.trans.txt").write_text("".join(lines))


def test_linked_folders_are_read_once(record, tmp_path):
    _libri(tmp_path / "other", record, "train-clean-100", 84)
    _libri(tmp_path / "in", record, "dev-clean", 85)
    (tmp_path / "in" / "train-clean-100").symlink_to(tmp_path / "other" / "train-clean-100")
    (tmp_path / "in" / "dev-clean" / "loop").symlink_to(tmp_path / "in")
    result = imported(tmp_path / "in", tmp_path / "out", "librispeech")
    assert result.corpus.speakers == ("ls-85", "ls-84")
    assert [u.split for u in result.corpus.utterances].count("train") == 2


def test_a_converted_librispeech_is_read_and_strangers_are_counted(record, tmp_path):
    _libri(tmp_path / "in", record, "train-x", 84, ".wav")
    _libri(tmp_path / "in", record, "dev-x", 85, ".flac")
    record(tmp_path / "in" / "dev-x" / "85" / "1" / "85-1-0009.flac")
    result = imported(tmp_path / "in", tmp_path / "out", "librispeech")
    assert len(result.corpus.utterances) == 4
    assert reasons(result) == {"no *.trans.txt lists it": 1}
    assert json.loads("".join(report(result)))["reasons"] == {"no *.trans.txt lists it": 1}


def test_the_split_comes_from_folders_below_the_one_given(record, tmp_path):
    root = tmp_path / "dev-box" / "train-me" / "LibriSpeech"
    _libri(root, record, "part-one", 84)
    _libri(root, record, "part-one", 85)
    sources = find_sources(root, "librispeech")
    assert {source.split for source in sources} == {None}


def test_a_format_that_is_not_read_is_counted_or_named(folder, tmp_path):
    for n, word in enumerate(WORDS):
        (folder / f"{n}.txt").write_text(word)
    (folder / "0.m4a").write_bytes(b"x")  # the same take as 0.wav
    (folder / "noise.sph").write_bytes(b"x")  # nobody wrote what is said in it
    result = imported(folder, tmp_path / "out")
    assert reasons(result) == {".m4a files are not read": 1, ".sph files are not read": 1}
    (folder / "noise.txt").write_text("golf")
    with pytest.raises(InputError, match=r"noise\.sph: \.sph files are not read"):
        imported(folder, tmp_path / "out")


def test_clips_of_common_voice_by_any_spelling_of_their_path(record, tmp_path):
    paths = ["clips/a", "b.wav", "clips/c.wav", "d"]
    for name, suffix in zip("abcd", [".mp3", ".wav", ".wav", ".mp3"], strict=True):
        subtype = "MPEG_LAYER_III" if suffix == ".mp3" else "PCM_16"
        record(tmp_path / "in" / "clips" / f"{name}{suffix}", hz=300 + ord(name), subtype=subtype)
    lines = [f"{'0' * 40}{n}\t{p}\t{WORDS[n]}" for n, p in enumerate(paths)]
    table = "\n".join(["client_id\tpath\tsentence", *lines, "x\ty", "a\tb\tc\td"]) + "\n"
    (tmp_path / "in" / "validated.tsv").write_text(table)
    with pytest.raises(InputError, match=r"validated\.tsv:6: 2 cells"):
        imported(tmp_path / "in", tmp_path / "out", "commonvoice")
    # 12 digits are shown of a client id: here they are the same of all four
    result = imported(
        tmp_path / "in", tmp_path / "out", "commonvoice", skip_bad=True, find={"by_speaker": True}
    )
    assert texts(result) == sorted(WORDS[:4])


def test_an_import_does_not_eat_its_own_output(folder, tmp_path):
    for n, word in enumerate(WORDS):
        (folder / f"{n}.txt").write_text(word)
    for _ in range(2):
        result = imported(folder, folder / "corpus")
        assert len(result.corpus.utterances) == 6
        assert list(result.left_out) == []


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are bytes here")
def test_a_name_that_is_not_utf8(folder, tmp_path):
    for n, word in enumerate(WORDS):
        (folder / f"{n}.txt").write_text(word)
    odd = os.fsencode(folder) + b"/na\xefve"
    os.rename(folder / "0.wav", odd + b".wav")  # noqa: PTH104 - bytes
    os.rename(folder / "0.txt", odd + b".txt")  # noqa: PTH104
    os.rename(folder / "1.txt", odd + b"2.txt")  # noqa: PTH104
    result = imported(folder, tmp_path / "out", skip_bad=True)
    assert len(result.corpus.utterances) == 5
    json.loads((tmp_path / "out" / "import.json").read_text("utf-8"))


# -- what is written ------------------------------------------------------------------------------


def test_files_follow_the_umask_and_a_kill_leaves_nothing(folder, tmp_path):
    for n, word in enumerate(WORDS):
        (folder / f"{n}.txt").write_text(word)
    before = os.umask(0o027)
    try:
        imported(folder, tmp_path / "out")
    finally:
        os.umask(before)
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files if path.name != ".lock"} == {0o640}
    for left in (".manifest.jsonl.0123abcd~", "wav/.x.wav.0123abcd~"):
        (tmp_path / "out" / left).write_bytes(b"half")
    imported(folder, tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*~"))


def test_what_does_not_fit_is_left_out_with_its_reason(folder, record, tmp_path):
    for n, word in enumerate(WORDS):
        (folder / f"{n}.txt").write_text(word)

    def fits(samples: int, text: str) -> None:
        assert samples == 8000
        if text == "echo":
            raise InputError("3 output frames cannot hold 4 characters")

    result = imported(folder, tmp_path / "out", max_letters=6, fits=fits)
    assert reasons(result) == {"text too long": 2, "does not fit the model": 1}
    assert texts(result) == ["alpha", "bravo", "delta"]


@pytest.mark.parametrize(
    "bad",
    ['3.wav\t"delta," he said\ttrain', "3.wav\tdelta", "3.wav\tdelta\ttrain\tmore"],
)
def test_a_row_that_cannot_be_read_is_wrong_also_where_others_have_splits(folder, tmp_path, bad):
    """It says no split; that is no wish to keep it out."""
    rows = ["file\ttext\tsplit", "0.wav\talpha\ttrain", "1.wav\tbravo\tvalidation", bad]
    (folder / "t.tsv").write_text("\n".join([*rows, "2.wav\tcharlie\ttest"]) + "\n")
    with pytest.raises(InputError, match=r"t\.tsv:4: ") as refused:
        imported(folder, tmp_path / "out")
    assert "split" not in refused.value.what
    result = imported(folder, tmp_path / "out", skip_bad=True)
    assert texts(result) == ["alpha", "bravo"]
    counts = json.loads("".join(report(result)))["reasons"]
    assert counts["test split"] == 1
    assert "no split" not in counts
