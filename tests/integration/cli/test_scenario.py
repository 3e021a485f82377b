"""Scenarios by name: listed, shown, copied."""

from __future__ import annotations

import json
from pathlib import Path


def test_scenarios_are_listed_shown_and_copied(harness_here, tmp_path):
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "broken.yaml").write_text("name: [")
    rows = {
        row["name"]: row for row in json.loads(harness_here("scenario", "list", "--json").stdout)
    }
    assert {"quickstart", "smoke", "paper/table1", "broken"} <= set(rows)
    assert rows["smoke"]["title"] == "Does everything work together?"
    assert "cannot be read" in rows["broken"]["title"]

    shown = harness_here("scenario", "show", "smoke")
    assert "name: smoke" in shown.stdout

    copied = harness_here("scenario", "copy", "smoke", "mine.yaml")
    assert copied.returncode == 0, copied.stderr
    text = (tmp_path / "mine.yaml").read_text()
    assert "name: smoke" in text
    schema = text.splitlines()[0].partition("$schema=")[2]
    assert json.loads(Path(schema).read_text())["properties"]["matrix"]

    again = harness_here("scenario", "copy", "smoke", "mine.yaml")
    assert again.returncode == 2
    assert (tmp_path / "mine.yaml").read_text() == text


def test_a_misspelt_command_or_scenario_is_suggested(harness_here):
    for arguments, meant in (
        (("pln",), "harness plan"),
        (("scenario", "shwo"), "harness scenario show"),
        (("plan", "quickstrat"), "quickstart"),
        (("scenario", "show", "paper/tabel1"), "paper/table1"),
    ):
        done = harness_here(*arguments)
        assert done.returncode == 2
        assert f"Did you mean {meant}" in done.stderr, done.stderr
