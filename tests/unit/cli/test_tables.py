"""Tables of the terminal at 80 columns and at more, as the terminal shows them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from harness.cli import console
from harness.cli.ending import result_columns
from harness.cli.phones_table import PhonesTable, job_words, short_serials
from harness.cli.plan import plan_columns
from harness.cli.progress import LiveProgress, PlainProgress, result_words
from harness.lab import PhoneStatus
from harness.lab.planning.materials import Materials
from harness.lab.planning.plan import make_plan
from harness.report.load import load_run
from harness.results.model import AttemptResult, FailureRecord
from harness.scenario import expand_jobs, parse_scenario, tasks_of
from harness.scenario.spec import ClientTask
from harness.yamlio import parse_yaml
from tests.fixtures.report_run import make_run, small
from tests.unit.lab.fakes import make_phone

SERIALS = ("VLAB-oneplus-7t-1-5983aa", "VLAB-redmi-note-7-pro-1-5983aa")
AXES = (("speaker", "uk-female"), ("fits", "S5"))


def drawn(what: RenderableType, width: int) -> list[str]:
    """Return the lines that a terminal of so many columns shows."""
    terminal = Console(width=width, record=True, file=io.StringIO(), force_terminal=True)
    terminal.print(what)
    lines = [line.rstrip() for line in terminal.export_text().splitlines()]
    assert max(map(len, lines)) <= width
    return lines


def training(serial: str, **changes: object) -> PhoneStatus:
    values = {
        "job_id": "uk-female-S5-af8556ea31",
        "axes": AXES,
        "step": "train",
        "phase": "validation",
        "sub_model": "S5",
        "epoch": 12,
        "epochs": 15,
        "wer_percent": 100.0,
        "available_mb": 1191.4,
        "available_age_s": 1.0,
    }
    return PhoneStatus(serial, "oneplus-7t", **{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("width", [80, 100, 120])
def test_what_phones_do_is_one_line_a_phone(width: int) -> None:
    table = PhonesTable("0 of 6 jobs", [training(SERIALS[0]), PhoneStatus(SERIALS[1], "x")])
    head, *_, first, second = drawn(table, width)
    assert head == "0 of 6 jobs"
    # what changes is never cut: names of phone and job are, if anything is
    for cell in ("S5", "12/15", "100.0", "1191", "uk-female"):
        assert cell in first
    assert first.startswith("oneplus-7t")
    assert second.split() == ["redmi-note-7-pro", "idle"]
    assert ("speaker uk-female, fits S5" in first) == (width >= 100)


def test_a_reading_of_the_past_shows_its_age() -> None:
    line = drawn(PhonesTable("", [training("A", available_age_s=42.0)]), 80)[-1]
    assert line.endswith("1191 (42 s old)")
    line = drawn(PhonesTable("", [training("A", available_mb=None, available_age_s=None)]), 80)[-1]
    assert line.endswith("100.0")


def test_why_a_phone_waits_stands_below() -> None:
    lines = drawn(PhonesTable("", [training("A", note="charging wants true, is false")]), 80)
    assert lines[-1] == "A: charging wants true, is false"


def test_of_many_phones_those_at_work_are_shown() -> None:
    phones = [PhoneStatus(f"P{n}", "x") for n in range(30)] + [training("Q")]
    lines = drawn(PhonesTable("", phones, rows=5), 80)
    assert any(line.startswith("Q") for line in lines)
    assert lines[-1] == "and 26 more phones"


def test_serials_without_what_they_have_in_common() -> None:
    assert list(short_serials(SERIALS).values()) == ["oneplus-7t", "redmi-note-7-pro"]
    assert short_serials(SERIALS[:1]) == {SERIALS[0]: SERIALS[0]}
    assert list(short_serials(["R58", "R59"]).values()) == ["R58", "R59"]
    assert list(short_serials(["A-1", "A-1-1"]).values()) == ["1", "1-1"]
    assert short_serials([]) == {}


def test_jobs_are_told_by_what_varies() -> None:
    assert job_words(AXES, "id", named=False) == "uk-female, S5"
    assert job_words((("epochs", "5"), *AXES), "id", named=False) == "epochs 5, uk-female, S5"
    assert job_words((), "id", named=True) == "id"


@pytest.fixture
def results(tmp_path: Path) -> list[AttemptResult]:
    shape = small(sub_models=("S1", "S5"), repeats=2)
    return [attempt.result for attempt in load_run(make_run(tmp_path, shape, "r")).final]


def test_the_closing_table_shows_what_varies(results: list[AttemptResult]) -> None:
    for width in (80, 100, 160):
        head, *lines = drawn(console.shown_table(*result_columns(results), width), width)[-5:]
        assert "repeat" in head
        assert len(lines) == len(results) == 4
        assert {line.split()[0] for line in lines} == {"S1", "S5"}
        assert not any("…" in line for line in lines)
        assert (
            "RSS" in "".join(drawn(console.shown_table(*result_columns(results), width), width))
            or width == 80
        )


def test_federated_jobs_are_told_by_round_and_role(results: list[AttemptResult]) -> None:
    jobs = [("train", 2), ("train", 1), ("evaluate", 2), ("start", 0)]
    of_clients = [
        result.model_copy(
            update={
                "axes": {},
                "repeat": 1,
                "client": ClientTask(federation="f", client="ann", role=role, round=round_),
            }
        )
        for result, (role, round_) in zip(results, jobs, strict=True)
    ]
    lines = drawn(console.shown_table(*result_columns(of_clients), 100), 100)[-4:]
    assert [line.split()[:2] for line in lines] == [
        ["0", "start"], ["1", "train"], ["2", "train"], ["2", "evaluate"],
    ]  # fmt: skip


def test_who_was_stopped_has_not_failed(
    results: list[AttemptResult], capsys: pytest.CaptureFixture[str]
) -> None:
    failure = FailureRecord(kind="Interrupted", message="stopped by the user during train")
    stopped = results[0].model_copy(update={"failure": failure, "status": "failed"})
    assert "failed" not in result_words(stopped)
    assert "`harness resume` goes on with it" in result_words(stopped)
    lines = drawn(console.shown_table(*result_columns([stopped, *results[1:]]), 80), 80)
    assert lines[-4].endswith("stopped")
    live = LiveProgress()
    live.ended(stopped, retried=False)
    assert "0 of 0 jobs done, 0 failed" in drawn(live._draw(), 80)[0]
    PlainProgress().ended(stopped, retried=False)
    assert "failed" not in capsys.readouterr().err


def test_the_plan_has_goal_and_needs_of_the_candidates_on_one_scale() -> None:
    text = """\
name: t
model: ds2-mini
matrix: {data.speaker: [us-male, uk-female], pressure.fits: [S1, S5, S8]}
"""
    raw, index = parse_yaml(text, "s.yaml")
    loaded = parse_scenario(raw, index, folder=Path())
    needs = Materials(Path()).needs(tasks_of(expand_jobs(loaded)))
    made = make_plan(needs, [make_phone("A"), make_phone("B")])
    columns, rows = plan_columns(made)
    for row, job in zip(rows, made.jobs, strict=True):
        cells = dict(zip((column.name for column in columns), row, strict=True))
        words = cells["needs, MiB"].split()
        need_mb = dict(zip(words[::2], map(float, words[1::2]), strict=True))
        assert list(need_mb) == ["S1", "S5", "S8"]  # and no other of the network's eight
        fitting = [name for name, need in need_mb.items() if need <= float(cells["room\nMiB"])]
        assert fitting[0] == cells["chosen"] == cells["fits"]
        assert cells["phones that fit"] == "all 2"
        assert job.spec.job_id in row
    lines = drawn(console.shown_table(columns, rows, 80), 80)
    assert not any("…" in line for line in lines)
