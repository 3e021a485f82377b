"""``harness model evaluate``: what a model hears of recordings, with its interval."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from harness.paths import data_root
from tests.fixtures.command import Command

TINY = str(data_root() / "models" / "ds2-tiny")
WORDS = ["ab", "cab", "bad ace", "dab", "fed", "bead"]


@pytest.fixture
def corpus(tmp_path: Path, harness: Command) -> Path:
    """Two speakers who read nothing that a model of noise could know."""
    rows = []
    for number, text in enumerate(WORDS):
        sound = np.random.default_rng(number).standard_normal(6000) * 0.1
        soundfile.write(tmp_path / f"{number}.wav", sound, 16_000)
        speaker = {"file": f"{number}.wav", "text": text, "speaker": "ab"[number % 2]}
        rows.append({**speaker, "split": "validation", "accent": "UK"})
    (tmp_path / "all.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = harness("corpus", "import", str(tmp_path), "--out", str(tmp_path / "corpus"))
    assert done.returncode == 0, done.stderr
    return tmp_path / "corpus"


def test_errors_by_speaker_and_in_all(corpus: Path, harness: Command) -> None:
    done = harness("model", "evaluate", TINY, "--manifest", str(corpus), "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    rows = {row["name"]: row for row in facts["rows"]}
    assert set(rows) == {"a", "b", "all"}
    assert rows["all"]["words"] == 7
    assert rows["all"]["recordings"] == 6
    for row in rows.values():
        errors = row["substitutions"] + row["deletions"] + row["insertions"]
        assert row["wer_percent"] == pytest.approx(100 * errors / row["words"], abs=0.01)
        assert row["substitutions"] + row["deletions"] <= row["words"]
    assert rows["a"]["words"] + rows["b"]["words"] == rows["all"]["words"]
    shown = harness("model", "evaluate", TINY, "--manifest", str(corpus), "--by", "accent")
    assert "UK" in shown.stdout
    assert "95 % interval" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--split", "train"], "has no train recordings"),
        (["--checkpoint", "nowhere.npz"], "nowhere.npz"),
        (["--by", "age"], "age"),
        (["--decoder", "attention"], "the model has no attention decoders"),
    ],
)
def test_what_cannot_be_is_told(
    corpus: Path, harness: Command, arguments: list[str], words: str
) -> None:
    done = harness("model", "evaluate", TINY, "--manifest", str(corpus), *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
