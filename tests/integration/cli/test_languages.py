"""Languages and lineages, as a user meets them."""

from __future__ import annotations

import json

from harness.paths import data_root


def test_languages(harness_here):
    done = harness_here("corpus", "languages", "--json")
    rows = {row["language"]: row for row in json.loads(done.stdout)}
    assert rows["it"]["corpus"] == "speech/it"
    assert rows["it"]["speakers"] == ["it-male", "it-female"]
    assert "è" in rows["it"]["alphabet"]
    assert "speech/nl" in harness_here("corpus", "languages").stdout


def test_an_unknown_language_is_one_error(harness_here):
    for words in (
        ("corpus", "synth", "--language", "xx"),
        ("corpus", "import", ".", "--language", "xx", "--out", "out"),
        ("model", "pretrain", "ds2-tiny", "--out", "out", "--corpus", "speech/xx"),
        ("model", "pretrain", "ds2-tiny", "--out", "out", "--alphabet", "it+xx"),
    ):
        done = harness_here(*words)
        assert done.returncode == 2, words
        assert "there is no language 'xx'" in done.stderr
        assert "Italian" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_lineage(harness_here):
    folder = data_root() / "models" / "ds2-mini"
    done = harness_here("model", "lineage", str(folder))
    assert done.returncode == 0, done.stderr
    assert "1. ds2-mini" in done.stdout
    assert "random weights" in done.stdout
    told = json.loads(
        harness_here("model", "lineage", str(folder / "baseline.npz"), "--json").stdout
    )
    assert [stage["network"] for stage in told["lineage"]] == ["ds2-mini"]
    refused = harness_here("model", "lineage", str(folder / "README.md"))
    assert refused.returncode == 2
    assert "no such file" in refused.stderr
