"""Other speakers: whom a job listens to besides its own, and how that comes into its result."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.contract.events import OtherSpeakerHeard
from harness.errors import InputError
from harness.lab.attempt.jobfile import OtherSpeech, PhoneLayout, job_file
from harness.lab.attempt.outcome import other_records
from harness.lab.attempt.score import check_agreement, host_scorer, score_others
from harness.lab.engines.wire import moved
from harness.lab.failures import StepFailed
from harness.lab.planning.checks import check_scenario
from harness.lab.planning.estimate import guessed_s
from harness.lab.planning.materials import Materials
from harness.results.store import OtherSpeakerRow, RunFolder
from harness.scenario import load_scenario
from harness.speech.audio import wav_bytes
from harness.speech.importing import ImportOptions, import_recordings
from harness.speech.sources import find_sources
from tests.unit.lab.fakes import make_material, make_spec

SCENARIO = """\
name: mine
model: ds2-tiny
data: {manifest: corpus, speaker: anna}
trainer: {batch_size: 2, epochs: 1}
"""
TEXTS = {
    "anna": [("train", "one two"), ("train", "three"), ("validation", "four")],
    "ben": [("validation", "one two"), ("validation", "five"), ("validation", "six seven")],
    "cara": [("validation", "three"), ("validation", "four"), ("train", "nine")],
    "dan": [("validation", "one two")],
}


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """Four speakers; some of Ben's sentences and all of Dan's are what Anna trains on."""
    folder = tmp_path / "raw"
    folder.mkdir()
    rng = np.random.default_rng(0)
    rows = ["file\ttext\tspeaker\taccent\tsplit"]
    for name, texts in TEXTS.items():
        for number, (split, text) in enumerate(texts):
            samples = rng.integers(-999, 999, 16_000).astype(np.int16)
            (folder / f"{name}{number}.wav").write_bytes(wav_bytes(samples))
            rows.append(f"{name}{number}.wav\t{text}\t{name}\tUK\t{split}")
    (folder / "all.tsv").write_text("\n".join(rows))
    import_recordings(find_sources(folder, "folder"), tmp_path / "corpus", ImportOptions())
    return tmp_path


def heard(folder: Path, asked: str, base: str = SCENARIO) -> dict[str, list[str]]:
    (folder / "mine.yaml").write_text(f"{base}also_evaluate: {asked}\n")
    materials = Materials(folder, cache=folder / "cache")
    (job,) = check_scenario(load_scenario(folder / "mine.yaml"), materials)
    others = materials.material(job).others
    assert {other.accent for other in others} <= {"UK", "US", "IND"}
    assert set(materials.describe([job])[1]) >= {f"manifest:{other.speaker}" for other in others}
    return {other.speaker: [text for _, text, _ in other.validation] for other in others}


def test_what_the_own_speaker_trains_on_is_not_listened_to(recorded):
    both = {"ben": ["five", "six seven"], "cara": ["four"]}
    assert heard(recorded, "[ben, cara]") == both
    assert heard(recorded, "[anna, ben]") == {"ben": both["ben"]}  # oneself is no other
    assert heard(recorded, "ben") == {"ben": both["ben"]}
    assert heard(recorded, "{speakers: [ben], validation: 1}") == {"ben": ["five"]}
    assert heard(recorded, "{manifest: corpus, speakers: [cara]}") == {"cara": ["four"]}


def test_of_a_part_of_several_speakers_none_is_another(recorded):
    base = SCENARIO.replace("speaker: anna", "part: {speakers: [anna, cara]}")
    assert heard(recorded, "[anna, ben, cara]", base) == {"ben": ["five", "six seven"]}


@pytest.mark.parametrize(
    ("asked", "where", "what"),
    [
        ("[dan]", "speakers", "dan has 1 validation sentences, and none"),
        ("[nobody]", "speakers", "unknown speaker 'nobody'"),
        ("{manifest: elsewhere}", "manifest", "no such|cannot be read|not"),
        ("{corpus: voices}", "corpus", "there is no corpus 'voices'"),
        ("{corpus: accents, speakers: [ben]}", "speakers", "unknown speaker 'ben'"),
    ],
)
def test_who_is_not_there_is_said_with_its_line(recorded, asked, where, what):
    with pytest.raises(InputError, match=what) as no:
        heard(recorded, asked)
    if where != "manifest":
        assert f"mine.yaml:5: also_evaluate.{where}" in no.value.where


def test_all_there_are_if_nobody_is_named(recorded):
    with pytest.raises(InputError, match="dan has"):
        heard(recorded, "{manifest: corpus}")
    alone = recorded / "alone"
    raw = alone / "raw"
    raw.mkdir(parents=True)
    for number in range(4):
        samples = np.random.default_rng(number).integers(-999, 999, 16_000).astype(np.int16)
        (raw / f"{number}.wav").write_bytes(wav_bytes(samples))
        (raw / f"{number}.txt").write_text(f"take {'abcd'[number]}")
    import_recordings(
        find_sources(raw, "folder", speaker="anna"), alone / "corpus", ImportOptions()
    )
    with pytest.raises(InputError, match="there is nobody besides anna"):
        heard(alone, "{}")


def test_synthetic_speakers_are_heard_beside_recorded_ones(recorded):
    asked = "{corpus: accents, speakers: [us-male, ind-female], validation: 2}"
    (recorded / "mine.yaml").write_text(f"{SCENARIO}also_evaluate: {asked}\n")
    materials = Materials(recorded, cache=recorded / "cache")
    (job,) = check_scenario(load_scenario(recorded / "mine.yaml"), materials)
    others = materials.material(job).others
    assert [(o.speaker, o.accent, len(o.validation)) for o in others] == [
        ("us-male", "US", 2),
        ("ind-female", "IND", 2),
    ]


@pytest.mark.parametrize(
    "asked",
    ["[]", "3", "{speakers: []}", "[Anna B]", "[ben, ben]", "{manifest: a, corpus: accents}",
     "{validation: 0}", "{who: ben}"],
)  # fmt: skip
def test_what_nobody_can_mean_is_refused(recorded, asked):
    with pytest.raises(InputError, match=r"also_evaluate|speakers|manifest") as no:
        heard(recorded, asked)
    assert "mine.yaml:5" in no.value.where


def others_material(tmp_path: Path):
    material = make_material(tmp_path)
    own = material.validation
    return replace(
        material, others=(OtherSpeech("ben", "UK", own), OtherSpeech("cara", "IND", own[:1]))
    )


def test_the_trainer_is_told_and_their_recordings_come_and_go_with_the_others(tmp_path):
    material = others_material(tmp_path)
    job = job_file(make_spec(), material, PhoneLayout("/w", "job-1", 1))
    assert [(o.speaker, [u.text for u in o.validation]) for o in job.also_evaluate] == [
        ("ben", ["one two", "five six"]),
        ("cara", ["one two"]),
    ]
    assert len(material.speech()) == 1 + 2 + 3
    asked = []
    moved(material, lambda file: asked.append(file) or file)
    assert len(asked) == 1 + 1 + 2 + 3
    plain = job_file(make_spec(), make_material(tmp_path), PhoneLayout("/w", "job-1", 1))
    assert "also_evaluate" not in plain.model_dump_json()


def said(epoch: int, speaker: str, *texts: str, wer: float) -> OtherSpeakerHeard:
    return OtherSpeakerHeard(
        seq=0,
        t_boot_ms=0,
        epoch=epoch,
        speaker=speaker,
        wer_percent=wer,
        evaluate_seconds=0.5,
        hypotheses=[{"id": f"v{n}", "text": text} for n, text in enumerate(texts, 1)],
    )


SAID = {"ben": {"v1": "one two", "v2": "five six"}, "cara": {"v1": "one two"}}


def test_before_and_after_by_speaker():
    events = [
        said(0, "ben", "one", "five six", wer=25),
        said(0, "cara", "one two", wer=0),
        said(1, "ben", "", "", wer=100),  # of an epoch that is kept no more
        said(2, "ben", "one one", "five", wer=75),
        said(2, "ben", "one one", "six", wer=50),  # a trainer that went on says it again
        said(2, "cara", "to", wer=100),
    ]
    rows = score_others(events, SAID, host_scorer)
    check_agreement(events, {}, rows)
    records = other_records(events, rows, {"ben": "UK", "cara": "IND"}, 2)
    assert [(r.epoch, r.speaker, r.accent, r.wer_percent, r.utterances) for r in records] == [
        (0, "ben", "UK", 25, 2),
        (0, "cara", "IND", 0, 1),
        (2, "ben", "UK", 50, 2),
        (2, "cara", "IND", 100, 1),
    ]
    assert (records[0].deletions, records[2].substitutions, records[2].deletions) == (1, 1, 1)


@pytest.mark.parametrize(
    ("event", "what"),
    [
        (said(0, "eve", "one two", wer=0), "'eve', unasked"),
        (said(0, "ben", "one two", wer=0), "ben in epoch 0 has hypotheses for 1 of 2"),
        (said(0, "cara", "one two", wer=50), "trainer and host disagree"),
    ],
)
def test_a_trainer_that_says_something_else_is_not_believed(event, what):
    with pytest.raises(StepFailed, match=what):
        check_agreement([event], {}, score_others([event], SAID, host_scorer))


def test_what_was_heard_is_kept_and_old_attempts_have_nothing(tmp_path):
    folder = RunFolder.create(tmp_path, "r1").attempt("job-1", 1)
    folder.make()
    assert folder.others() == []
    row = OtherSpeakerRow(epoch=0, id="v1", reference="a", hypothesis="", substitutions=0,
                          deletions=1, insertions=0, reference_words=1, speaker="söh")  # fmt: skip
    folder.write_others([row])
    assert folder.others() == [row]


def test_it_takes_time(recorded):
    (recorded / "mine.yaml").write_text(SCENARIO)
    content = load_scenario(recorded / "mine.yaml").scenario
    (recorded / "mine.yaml").write_text(f"{SCENARIO}also_evaluate: [ben, cara]\n")
    more = load_scenario(recorded / "mine.yaml").scenario
    assert guessed_s(more, 1.0) > guessed_s(content, 1.0)
