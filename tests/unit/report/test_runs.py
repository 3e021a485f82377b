"""Several runs on one page: what differs, and the matrix as a map."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import InputError
from harness.report import build_report
from harness.report.axes import shown
from harness.report.changed import beside, differences
from harness.report.facets import Facets
from harness.report.heat import heat, shade, values_of
from harness.report.load import RunData, as_attempts, load_runs
from harness.results.model import AttemptResult
from harness.results.store import RunFolder
from tests.fixtures.report_run import Failing, RunShape, make_run, phone_record, small


def slower(result: AttemptResult) -> AttemptResult:
    return result.model_copy(update={"minutes_per_epoch": 9.0, "wer_after_percent": 20.0})


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunData, ...]:
    root = tmp_path_factory.mktemp("two")
    before = RunShape(speakers=("us-male",), epochs=2)
    after = RunShape(
        speakers=("us-male",), epochs=3, spoil=slower, failing=(Failing(1, "DeviceLost", False),)
    )
    return load_runs([make_run(root, before, "before"), make_run(root, after, "after")])


def test_attempts_of_several_runs_have_keys_of_their_own(two: tuple[RunData, ...]) -> None:
    keys = [attempt.key for run in two for attempt in run.attempts]
    assert keys == [f"a{number}" for number in range(1, len(keys) + 1)]


def test_only_what_differs_is_told(two: tuple[RunData, ...]) -> None:
    told = {group.title: {row.name: row.values for row in group.rows} for group in differences(two)}
    assert told["Settings"] == {"trainer.epochs": ("2", "3")}
    assert told["Plan"]["jobs that finished"] == ("6", "5")
    assert set(told) == {"Settings", "Plan"}


def test_a_run_beside_itself_differs_in_nothing(two: tuple[RunData, ...]) -> None:
    assert differences([two[0], two[0]]) == ()


def test_jobs_with_the_same_settings_stand_beside_each_other(two: tuple[RunData, ...]) -> None:
    rows = beside(two)
    # the number of epochs is what the runs differ in: it keeps no job from standing beside others
    assert len(rows) == 6
    assert all(len(own) == 1 for row in rows for own in row.jobs)
    assert {name for name, _ in rows[0].settings} == {"phone", "pressure: fits", "sub-model"}


def test_other_speakers_do_not_stand_beside_each_other(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, small(speakers=(who,)), who) for who in ("us-male", "uk-female")]
    rows = beside(load_runs(runs))
    assert [[len(own) for own in row.jobs] for row in rows] == [[1, 0], [0, 1]]


def test_short_epochs_keep_two_figures(tmp_path: Path) -> None:
    def quick(result: AttemptResult) -> AttemptResult:
        return result.model_copy(update={"minutes_per_epoch": 0.0412})

    runs = load_runs(
        [make_run(tmp_path, small(spoil=one), name) for one, name in ((quick, "a"), (slower, "b"))]
    )
    (row,) = beside(runs)
    assert [row.digits(metric) for metric in range(3)] == [1, 3, 0]


def test_random_serials_of_virtual_phones_are_no_difference(tmp_path: Path) -> None:
    def farm(mark: str, origin: str) -> Callable[[AttemptResult], AttemptResult]:
        serial = f"VLAB-oneplus-7t-1-{mark}"
        return lambda result: result.model_copy(
            update={"phone": result.phone.model_copy(update={"serial": serial, "origin": origin})}
        )

    def names(origin: str) -> set[str]:
        folders = []
        for mark in ("0a1b", "2c3d"):
            name = f"{origin}-{mark}"
            folders.append(make_run(tmp_path, small(spoil=farm(mark, origin)), name))
            folder = RunFolder.open(folders[-1])
            folder.write_record(folder.record().model_copy(update={"phones": ()}))
        return {row.name for group in differences(load_runs(folders)) for row in group.rows}

    assert "oneplus-7t" not in names("virtual")
    assert "oneplus-7t" in names("device")


def test_settings_are_written_as_yaml(tmp_path: Path) -> None:
    phones = {"profile": "oneplus-7t", "count": 2, "tags": ["fast", None], "real": False}
    runs = []
    for name, value in (("a", [phones]), ("b", [])):
        path = make_run(tmp_path, small(extra_axes={"data.mixed": {"noise": 0.5}}), name)
        folder = RunFolder.open(path)
        scenario = folder.record().scenario | {"phones": value}
        folder.write_record(folder.record().model_copy(update={"scenario": scenario}))
        runs.append(path)
    rows = {row.name: row for group in differences(load_runs(runs)) for row in group.rows}
    assert rows["phones"].values[0] == (
        "{profile: oneplus-7t, count: 2, tags: [fast, null], real: false}"
    )
    assert shown({"noise": 0.5, "text": "ä"}) == "{noise: 0.5, text: ä}"
    assert "&#39;profile&#39;:" not in build_report(runs, tmp_path / "p.html").read_text("utf-8")


def test_the_second_run_less_the_first(tmp_path: Path) -> None:
    shape = small()
    runs = load_runs([make_run(tmp_path, shape, "a"), make_run(tmp_path, small(spoil=slower), "b")])
    (row,) = beside(runs)
    first = runs[0].attempts[0].result
    assert first.minutes_per_epoch is not None
    assert row.difference(1) == pytest.approx(9.0 - first.minutes_per_epoch)
    assert [len(own) for own in row.jobs] == [1, 1]


def test_a_run_named_twice_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path, small())
    with pytest.raises(InputError, match="twice"):
        build_report([run, run], tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_one_page_of_two_runs(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, small(), "one"), make_run(tmp_path, small(epochs=4), "two")]
    page = build_report(runs, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "What differs between the runs?" in page
    assert not (runs[0] / "report").exists()
    alone = build_report(runs[0]).read_text(encoding="utf-8")
    assert "What differs" not in alone


def test_the_map_shows_medians_failures_and_holes() -> None:
    results = []
    # speakers down, sub-models across; one job failed, one was never planned
    for speaker, sub_model, wer, status in (
        ("us-male", "S1", 10.0, "finished"),
        ("us-male", "S1", 14.0, "finished"),
        ("us-male", "S8", 30.0, "finished"),
        ("uk-female", "S1", 20.0, "failed"),
    ):
        results.append(
            _result(f"{speaker}-{sub_model}-{len(results)}", speaker, sub_model, wer, status)
        )
    attempts = as_attempts(results)
    view = heat(attempts, Facets.of(attempts))
    assert view is not None
    assert view.names == ("S1", "S8")
    cells = dict(view.cells)
    assert cells["us-male"][0].value is not None
    assert cells["us-male"][0].value.median == 12.0
    assert (cells["us-male"][0].shade, cells["us-male"][1].shade) == (0, 5)
    assert (cells["uk-female"][0].value, cells["uk-female"][0].failed) == (None, 1)
    assert cells["uk-female"][1].attempts == ()
    assert values_of(attempts[0]).split()[0] == "10"


def test_no_map_of_a_single_setting() -> None:
    attempts = as_attempts([_result("a", "us-male", "S1", 10.0, "finished")])
    assert heat(attempts, Facets.of(attempts)) is None


@pytest.mark.parametrize(("value", "step"), [(0, 0), (4.9, 2), (10, 5)])
def test_shades_go_from_least_to_greatest(value: float, step: int) -> None:
    assert shade(value, 0, 10) == step
    assert shade(value, value, value) == 0


def _result(job: str, speaker: str, sub_model: str, wer: float, status: str) -> AttemptResult:
    return AttemptResult.model_validate(
        {
            "run_id": "r",
            "job_id": job,
            "attempt": 1,
            "status": status,
            "started_utc": "2026-03-01T12:00:00Z",
            "seconds": 1.0,
            "phone": phone_record("oneplus-7t").model_dump(),
            "model_name": "m",
            "model_sha256": "a" * 64,
            "speaker": speaker,
            "accent": "US",
            "batch_size": 5,
            "learning_rate": 1e-4,
            "epochs_planned": 1,
            "stop_policy": "best_so_far",
            "selection": {
                "sub_model": sub_model, "forced": False, "available_mb": 1.0, "need_mb": {}
            },
            "wer_after_percent": wer,
        }
    )  # fmt: skip
