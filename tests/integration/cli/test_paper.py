"""``harness paper`` as a user calls it: arithmetic, a figure from a phone, and once more."""

from __future__ import annotations

import json

TINY = (
    *("--set", "model=ds2-tiny", "--set", "trainer.batch_size=2", "--set", "trainer.threads=1"),
    *("--set", "data.train=4", "--set", "data.validation=2", "--set", "gates=off"),
    *("--set", "trainer.stop.available_below_mb=0"),
)


def test_arithmetic_needs_no_phone(harness, tmp_path):
    done = harness("paper", "--only", "table4,table5", "--only", "table9", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told["items"]) == {"table4", "table5", "table9"}
    assert not any(item["differs"] for item in told["items"].values())
    assert told["runs"] == {}
    assert (tmp_path / "paper" / "latex" / "table9.tex").is_file()
    assert not (tmp_path / "paper" / "runs").exists()


def test_a_figure_from_a_phone_and_a_second_call_that_runs_nothing(harness, tmp_path):
    first = harness("paper", "--only", "figure2", *TINY, "--out", "mine", "--json")
    assert first.returncode == 0, first.stderr
    told = json.loads(first.stdout)
    assert told["runs"] == {"figure2": {"finished": 1, "failed": 0}}
    page = (tmp_path / "mine" / "index.html").read_text(encoding="utf-8")
    assert "virtual" in page
    assert (tmp_path / "mine" / "figures" / "figure2.pdf").is_file()
    attempts = list((tmp_path / "mine").glob("runs/figure2-quick/attempts/*/*/result.json"))
    assert len(attempts) == 1
    assert "runs/figure2-quick/report/index.html#a1" in page

    again = harness("paper", "--only", "figure2", *TINY, "--out", "mine", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["runs"] == {}
    assert json.loads(again.stdout)["items"] == told["items"]

    other = harness("paper", "--only", "figure2", *TINY, "--set", "trainer.seed=5", "--out", "mine")
    assert other.returncode == 2
    assert "another scenario" in other.stderr
    assert "--out" in other.stderr


def test_figure_5_is_measured_from_the_people_that_come_with_the_project(harness, tmp_path):
    one = ("--set", 'matrix={"data.speaker": ["kathleen"]}', "--set", "trainer.epochs=1")
    done = harness("paper", "--only", "figure5", *TINY, *one, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["runs"] == {"figure5": {"finished": 1, "failed": 0}}
    assert told["items"]["figure5"]["missing"] is None
    page = (tmp_path / "paper" / "index.html").read_text(encoding="utf-8")
    assert "kathleen" in page
    assert "Our recordings" in page


def test_what_cannot_be_made_is_said(harness, tmp_path):
    full = harness("paper", "--only", "table2", "--scale", "full", "--set", "model=ds2-absent")
    assert full.returncode == 2
    assert "ds2-absent" in full.stderr
    assert not (tmp_path / "paper" / "runs").exists()
