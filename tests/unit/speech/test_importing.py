"""Recordings that somebody made become a corpus: any layout, one error for all that is wrong."""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from harness.errors import InputError
from harness.speech import importing, load_manifest
from harness.speech.import_report import report
from harness.speech.importing import ImportOptions, import_recordings
from harness.speech.sources import find_sources
from harness.speech.speaker_names import speaker_name

WORDS = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel"]
GOLDEN = "276b4ee355fe2b5c7b2be02b717bf861f52aaf3c61db21f6f6b3a41b4bc28ab9"
"""Digest of (id, text, split, round) of all utterances."""
LIBRI = "84-121123-00{:02d}"


@pytest.fixture
def folder(record, tmp_path):
    """Eight recordings with a text beside each, of several kinds."""
    for n, word in enumerate(WORDS):
        path = tmp_path / "My Voice" / f"take {n}.{'flac' if n % 2 else 'WAV'}"
        record(path, hz=300 + 50 * n, rate=44_100, channels=1 + n % 2, subtype="PCM_24")
        path.with_suffix(".txt").write_text(f"{word.title()}!\n")
    return tmp_path / "My Voice"


def imported(folder: Path, out: Path, layout="folder", *, find=None, **options):
    sources = find_sources(folder, layout, **(find or {}))
    return import_recordings(sources, out, ImportOptions(**options))


def reasons(result) -> dict[str, int]:
    return {first.reason: count for first, count in result.left_out.reasons()}


def content(out: Path) -> dict[str, bytes]:
    files = (path for path in out.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def test_a_folder_becomes_a_corpus(folder, tmp_path):
    counts = []
    sources = find_sources(folder, "folder", accent="IND")
    result = import_recordings(
        sources, tmp_path / "out", ImportOptions(), lambda *now: counts.append(now)
    )
    assert counts == [(n, 8) for n in range(1, 9)]
    corpus = load_manifest(tmp_path / "out" / "manifest.jsonl")
    assert corpus == result.corpus
    assert corpus.speakers == ("my-voice",)
    assert {u.accent for u in corpus.utterances} == {"IND"}
    assert sorted(u.text for u in corpus.utterances) == WORDS
    assert len(corpus.select("my-voice", "train")) == 6
    assert len(corpus.select("my-voice", "validation")) == 2
    for utterance in corpus.utterances:
        with wave.open(str(utterance.audio)) as wav:
            assert wav.getparams()[:4] == (1, 2, 16_000, 8_000)
    lines = corpus.manifest.read_text().splitlines()
    assert all(not Path(json.loads(line)["audio"]).is_absolute() for line in lines)
    said = json.loads("".join(report(result)))
    assert said == json.loads((tmp_path / "out" / "import.json").read_text())
    assert said["speakers"]["my-voice"]["rounds"] == {"1": {"train": 6, "validation": 2}}


def test_an_import_made_again_is_the_same_and_converts_nothing(folder, tmp_path, monkeypatch):
    imported(folder, tmp_path / "one", rounds=2, seed=3)
    before = content(tmp_path / "one")
    imported(folder, tmp_path / "two", rounds=2, seed=3)
    assert content(tmp_path / "two") == before
    times = {p: p.stat().st_mtime_ns for p in (tmp_path / "one" / "wav").iterdir()}
    imported(folder, tmp_path / "one", rounds=2, seed=3)
    assert content(tmp_path / "one") == before
    assert times == {p: p.stat().st_mtime_ns for p in (tmp_path / "one" / "wav").iterdir()}
    imported(folder, tmp_path / "two", rounds=2, seed=4)
    assert content(tmp_path / "two")["manifest.jsonl"] != before["manifest.jsonl"]


def test_a_recording_taken_away_is_gone_and_a_new_one_there(folder, record, tmp_path):
    first = imported(folder, tmp_path / "out").corpus
    for path in folder.glob("take 3.*"):
        path.unlink()
    record(folder / "new.wav", hz=999)
    (folder / "new.txt").write_text("november")
    second = imported(folder, tmp_path / "out").corpus
    texts = {u.text for u in second.utterances}
    assert texts == set(WORDS) - {"delta"} | {"november"}
    assert len(list((tmp_path / "out" / "wav").iterdir())) == 8
    gone = next(u.audio for u in first.utterances if u.text == "delta")
    assert not gone.exists()


def test_an_import_killed_in_the_middle_goes_on(folder, tmp_path):
    class PowerCut(BaseException):
        pass

    def cut(count: int, _total: int) -> None:
        if count == 4:
            raise PowerCut

    sources = find_sources(folder, "folder")
    with pytest.raises(PowerCut):
        import_recordings(sources, tmp_path / "out", ImportOptions(), cut)
    assert not (tmp_path / "out" / "manifest.jsonl").exists()
    assert not list((tmp_path / "out" / "wav").glob(".*"))
    imported(folder, tmp_path / "out")
    imported(folder, tmp_path / "whole")
    assert content(tmp_path / "out") == content(tmp_path / "whole")


@pytest.mark.parametrize(
    "table",
    [
        ("list.csv", "file,text,speaker,accent\ntake 0.WAV,One,Anna,UK\ntake 1.flac,Two,Anna,UK\n"),
        ("list.csv", "\ufefffile;text;speaker\ntake 0.WAV;One, ah;Anna\ntake 1.flac;Two;Anna\n"),
        ("list.csv", 'text,file,speaker\n"One, ah",take 0.WAV,Anna\nTwo,take 1.flac,Anna\n\n'),
        ("list.tsv", "path\tsentence\tclient_id\ntake 0.WAV\tOne\tAnna\ntake 1.flac\tTwo\tAnna\n"),
        (
            "list.jsonl",
            '{"audio": "take 0.WAV", "text": "One", "speaker": "Anna"}\n'
            '{"audio": "take 1.flac", "text": "Two", "speaker": "Anna"}\n',
        ),
    ],
)
def test_one_table_of_all(folder, tmp_path, table):
    (folder / table[0]).write_text(table[1])
    corpus = imported(folder, tmp_path / "out").corpus
    assert corpus.speakers == ("anna",)
    assert sorted(u.text.split()[0] for u in corpus.utterances) == ["one", "two"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("list.csv", "name,words\na,b\n", r"list\.csv:1: .*no columns file and text: name, words"),
        ("list.csv", "file,text\ntake 0.WAV,a,b\n", r"list\.csv:2: 3 cells"),
        ("list.csv", "file,text\nnowhere.wav,hello\n", r"list\.csv:2: no such recording: nowhere"),
        ("list.csv", "file,text,split\ntake 0.WAV,a,x\n", r"list\.csv:2: unknown split 'x'"),
        ("list.csv", "file,text\n,hello\n", r"list\.csv:2: no file"),
        ("list.csv", "file,text\ntake 0.WAV,21 cars\n", r"list\.csv:2: .*digits"),
        ("list.csv", "file,text,speaker\ntake 0.WAV,a,???\n", r"'\?\?\?' is no name"),
        ("list.csv", b"file,text\ntake 0.WAV,caf\xe9\n", r"list\.csv:2: is not UTF-8"),
        ("list.jsonl", '{"file": "take 0.WAV"}\n', r"list\.jsonl:1: no text"),
        ("list.jsonl", "\n{\n", r"list\.jsonl:2: not JSON"),
        ("list.jsonl", "[]\n", r"list\.jsonl:1: not a JSON object"),
    ],
)
def test_a_bad_table_is_named(folder, tmp_path, name, text, message):
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=message):
        imported(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_several_tables_are_not_guessed_among(folder, tmp_path):
    for name in ("a.csv", "b.tsv"):
        (folder / name).write_text("file,text\ntake 0.WAV,hello\ntake 1.flac,you\n")
    with pytest.raises(InputError, match=r"several tables: a\.csv, b\.tsv"):
        imported(folder, tmp_path / "out")
    result = imported(folder, tmp_path / "out", find={"transcripts": folder / "a.csv"})
    assert len(result.corpus.utterances) == 2


def spoil(folder: Path, record) -> None:
    (folder / "take 0.txt").write_text("catch 22")
    (folder / "take 1.txt").unlink()
    record(folder / "take 2.WAV", loud=0.0)
    (folder / "take 3.flac").write_bytes((folder / "take 3.flac").read_bytes()[:300])


def test_all_that_is_wrong_is_said_at_once_and_nothing_stays(folder, record, tmp_path):
    spoil(folder, record)
    with pytest.raises(InputError) as refused:
        imported(folder, tmp_path / "out")
    for word in ("take 0.txt", "digits", "take 1.flac", "no transcript", "--skip-bad"):
        assert word in str(refused.value)
    (folder / "take 0.txt").write_text("catch")
    (folder / "take 1.txt").write_text("one")
    with pytest.raises(InputError) as refused:  # recordings are looked at when the texts are right
        imported(folder, tmp_path / "out")
    for word in ("take 2.WAV", "silent", "take 3.flac", "cannot be read"):
        assert word in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_what_is_wrong_can_be_left_out(folder, record, tmp_path):
    spoil(folder, record)
    result = imported(folder, tmp_path / "out", skip_bad=True)
    assert sorted(u.text for u in result.corpus.utterances) == sorted(WORDS[4:])
    assert len(result.left_out) == 4
    assert set(reasons(result).values()) == {1}
    summary = json.loads((tmp_path / "out" / "import.json").read_text())
    assert "take 0.txt" in json.dumps(summary["left_out"])


def test_a_failed_import_leaves_the_one_before(folder, record, tmp_path):
    imported(folder, tmp_path / "out")
    before = content(tmp_path / "out")
    record(folder / "take 9.wav", loud=0.0)
    (folder / "take 9.txt").write_text("nothing")
    with pytest.raises(InputError, match="silent"):
        imported(folder, tmp_path / "out")
    assert content(tmp_path / "out") == before


def test_lengths_are_left_out_and_told(folder, record, tmp_path):
    record(folder / "take 0.WAV", seconds=3.0)
    record(folder / "take 2.WAV", seconds=1.2)
    record(folder / "take 4.WAV", seconds=0.1)
    result = imported(folder, tmp_path / "out", max_seconds=1.0)
    assert reasons(result) == {"too long": 2, "too short": 1}
    assert max(u.duration_s for u in result.corpus.utterances) <= 1.0
    with pytest.raises(InputError, match=r"no recording is left: .*too short"):
        imported(folder, tmp_path / "none", min_seconds=10)
    assert not (tmp_path / "none").exists()


def test_the_same_recording_is_taken_once(folder, tmp_path):
    shutil.copyfile(folder / "take 0.WAV", folder / "take 8.wav")
    shutil.copyfile(folder / "take 0.txt", folder / "take 8.txt")
    result = imported(folder, tmp_path / "out")
    assert reasons(result) == {"twice": 1}
    assert len(result.corpus.utterances) == 8


def test_one_recording_with_two_texts_is_refused(folder, tmp_path):
    shutil.copyfile(folder / "take 0.WAV", folder / "take 8.wav")
    (folder / "take 8.txt").write_text("else")
    with pytest.raises(InputError, match=r"take 8\.txt: one recording with several texts"):
        imported(folder, tmp_path / "out")
    result = imported(folder, tmp_path / "out", skip_bad=True)
    assert reasons(result) == {"several texts of one recording": 2}
    assert len(result.corpus.utterances) == 7


def test_clipping_is_a_warning(folder, record, tmp_path):
    record(folder / "take 0.WAV", loud=4.0, subtype="FLOAT")
    for _ in range(2):  # also where the conversion is there already
        (warning,) = imported(folder, tmp_path / "out").warnings
        assert "take 0.WAV" in warning
        assert "clipped" in warning


def test_a_folder_with_other_things_is_not_written_into(folder, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").touch()
    with pytest.raises(InputError, match=r"such as chapter1\.tex"):
        imported(folder, tmp_path / "thesis")
    with pytest.raises(InputError, match="is a file"):
        imported(folder, tmp_path / "thesis" / "chapter1.tex")


def test_nothing_to_import(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        find_sources(tmp_path / "nowhere", "folder")
    for layout in ("folder", "librispeech", "commonvoice"):
        with pytest.raises(InputError) as refused:
            find_sources(tmp_path, layout)
        assert refused.value.hint


@pytest.mark.parametrize(
    ("raw", "name"),
    [("Anna M", "anna-m"), ("1089", "1089"), ("ok_1.a", "ok_1.a"), (" Zo  B ", "zo-b")],
)
def test_a_speaker_has_a_name_that_scenarios_can_write(raw, name):
    assert speaker_name(raw) == name


# -- public corpora -------------------------------------------------------------------------------


@pytest.fixture
def librispeech(record, tmp_path):
    for subset, speaker in (("train-clean-100", 84), ("dev-clean", 1272), ("test-clean", 61)):
        chapter = tmp_path / "LibriSpeech" / subset / str(speaker) / "121123"
        lines = []
        for n in range(3):
            name = f"{speaker}-121123-{n:04d}"
            record(chapter / f"{name}.flac", hz=300 + speaker + n)
            lines.append(f"{name} {WORDS[n].upper()} AND THAT'S {subset[:3].upper()}\n")
        (chapter / f"{speaker}-121123.trans.txt").write_text("".join(lines))
    (tmp_path / "LibriSpeech" / "SPEAKERS.TXT").write_text("; 84 | M | train-clean-100 | 25 | x\n")
    return tmp_path / "LibriSpeech"


def test_librispeech(librispeech, tmp_path):
    (chapter,) = librispeech.glob("train-*/84/*")
    with (chapter / "84-121123.trans.txt").open("a") as table:
        table.write("84-121123-0009 NOT DOWNLOADED\n")
    with pytest.raises(InputError, match=r"trans\.txt:4: no such recording: 84-121123-0009\.flac"):
        imported(librispeech, tmp_path / "out", "librispeech")
    result = imported(librispeech, tmp_path / "out", "librispeech", skip_bad=True)
    assert reasons(result) == {"test split": 3, "no such recording": 1}
    corpus = result.corpus
    assert [len(corpus.select("ls-84", split)) for split in ("train", "validation")] == [3, 0]
    assert [len(corpus.select("ls-1272", split)) for split in ("train", "validation")] == [0, 3]
    first = corpus.utterances[0]
    assert first.text == "alpha and thats dev"
    assert first.id == "ls-1272-1272-121123-0000"


def test_librispeech_by_speaker(librispeech, tmp_path):
    corpus = imported(librispeech, tmp_path / "out", "librispeech", resplit=True).corpus
    assert set(corpus.speakers) == {"ls-84", "ls-1272", "ls-61"}
    for speaker in corpus.speakers:
        assert [len(corpus.select(speaker, s)) for s in ("train", "validation")] == [2, 1]


@pytest.fixture
def commonvoice(record, tmp_path):
    folder = tmp_path / "cv-corpus" / "en"
    header = "client_id\tpath\tsentence\tup_votes\taccents\tlocale\n"
    rows = {"train": [], "dev": [], "test": []}
    for n, word in enumerate(WORDS):
        record(folder / "clips" / f"c{n}.mp3", hz=300 + 40 * n, subtype=None, rate=32_000)
        split = "train" if n < 4 else "dev" if n < 6 else "test"
        accent = "England English" if n % 2 else ""
        rows[split].append(f'{n % 2}{"f" * 127}\tc{n}.mp3\t"{word}" it\'s\t2\t{accent}\ten\n')
    for split, lines in rows.items():
        (folder / f"{split}.tsv").write_text(header + "".join(lines))
    (folder / "validated.tsv").write_text(header + "".join(itertools.chain(*rows.values())))
    return folder


def test_common_voice(commonvoice, tmp_path):
    result = imported(commonvoice, tmp_path / "out", "commonvoice")
    corpus = result.corpus
    assert corpus.speakers == ("cv-0fffffffffff", "cv-1fffffffffff")
    assert [u.split for u in corpus.utterances].count("train") == 4
    assert [u.split for u in corpus.utterances].count("validation") == 2
    assert reasons(result) == {"test split": 2}
    assert {u.accent for u in corpus.utterances} == {"unknown", "England English"}
    assert corpus.utterances[0].text == "alpha its"


def test_common_voice_by_speaker_takes_all_that_is_validated(commonvoice, tmp_path):
    corpus = imported(
        commonvoice,
        tmp_path / "out",
        "commonvoice",
        find={"by_speaker": True},
        resplit=True,
        train=2,
        validation=1,
    ).corpus
    for speaker in corpus.speakers:
        assert [len(corpus.select(speaker, s)) for s in ("train", "validation")] == [2, 1]


def test_few_recordings_are_under_way_at_a_time(record, tmp_path, monkeypatch):
    """A future for each of a million would take more memory than all that is known of them."""
    for n in range(12):
        record(tmp_path / "in" / f"{n}.wav", hz=300 + 50 * n)
        (tmp_path / "in" / f"{n}.txt").write_text(f"take {'abcdefghijkl'[n]}")
    monkeypatch.setattr(importing, "_AHEAD", 2)
    begun, taken = [], []
    real = importing._read

    def spy(source, out, options):
        begun.append(source)
        return real(source, out, options)

    monkeypatch.setattr(importing, "_read", spy)
    sources = find_sources(tmp_path / "in", "folder")

    def told(done, _total):
        taken.append(len(begun) - done)

    imported = import_recordings(sources, tmp_path / "out", ImportOptions(), told)
    assert len(imported.corpus.utterances) == len(taken) == 12
    assert max(taken) <= 3


def test_the_cut_of_a_corpus_never_changes(tmp_path):
    """Golden: who has this manifest has it again after an update, byte for byte."""
    folder = tmp_path / "in"
    folder.mkdir()
    rows = ["file,text,speaker,accent"]
    for n in range(60):
        tone = 9000 * np.sin(2 * np.pi * (200 + 10 * (n % 31)) * np.arange(8000) / 16_000)
        sound = tone.astype(np.int16)
        sound[0] = n
        soundfile.write(folder / f"Clip {n}.wav", sound, 16_000, subtype="PCM_16")
        rows.append(f"Clip {n}.wav,{WORDS[n % 8]} {WORDS[n // 8]},{'aBb'[n % 3]},UK")
    (folder / "all.csv").write_text("\n".join(rows))
    corpus = imported(folder, tmp_path / "out", rounds=2, train=6, validation=2, seed=7).corpus
    rows = [(u.id, u.text, u.split, u.round) for u in corpus.utterances]
    assert len(rows) == 48
    assert hashlib.sha256(json.dumps(rows).encode()).hexdigest() == GOLDEN
