"""Memory of loading and of a step, by how models hold their weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.paper import resident
from harness.paper.given import Given
from harness.paper.make import sections
from harness.paper.measure import Source
from harness.paper.systems import load_system
from harness.report.load import load_run
from tests.fixtures.report_run import RunShape, make_run

PEAKS = {
    # model: (manifest, peak of loading, peak of a step)
    "plain": ({}, 20.0, 100.0),
    "rounds": ({"forward": "int8"}, 21.0, 101.0),
    "held": ({"forward": "int8", "resident": "int8"}, 10.0, 90.0),
    "large": ({"parameters": {"S1": 9}}, 200.0, 300.0),
    "large-held": ({"resident": "f16", "parameters": {"S1": 9}}, 220.0, 240.0),
    "hardly": ({"resident": "int8"}, 19.8, 90.0),
    "alone": ({"resident": "int8", "parameters": {"S1": 4}}, 1.0, 1.0),
}


def measured(folder: Path, *names: str) -> Source:
    """Make a run of these models, a job each."""
    left = list(names)

    def spoil(result: Any) -> Any:
        name = left.pop(0)
        _, load, train = PEAKS[name]
        update = {"model_name": name, "load_peak_mb": load, "train_peak_mb": train}
        return result.model_copy(update=update)

    shape = RunShape(
        profiles=("oneplus-7t",),
        speakers=("us-male",),
        sub_models=("S1",),
        repeats=len(names),
        epochs=1,
        spoil=spoil,
    )
    data = load_run(make_run(folder, shape))
    record = data.record.model_copy(update={"models": {n: PEAKS[n][0] for n in names}})
    return Source(replace(data, record=record), "report/index.html", {})


def verdicts(system: str, source: Source) -> dict[str, tuple[str, str]]:
    made = load_system(system)
    (item,) = (item for item in made.items if item.experiment == resident.RESIDENT.key)
    (section,) = sections(made, [item], Given({resident.RESIDENT.key: source}))
    return {claim.says: (claim.verdict, claim.evidence) for claim in section.claims}


LOAD = "Loading a model takes less memory with int8 than with float32"
STEP = "A step takes less memory with int8 than with float32"
OMC = "The peak memory of training falls"


def test_loading_and_a_step_are_told_apart_and_against_the_same_network(tmp_path: Path) -> None:
    source = measured(tmp_path, *(name for name in PEAKS if name != "hardly"))
    grid = resident.grid(source)
    assert grid is not None
    told = {name: [cell.measured for cell in cells] for name, cells in grid.rows}
    assert told["plain"] == ["float32", "float32", "20.0", "", "100.0", ""]
    assert told["rounds"] == ["float32", "int8", "21.0", "105", "101.0", "101"]
    assert told["held"] == ["int8", "int8", "10.0", "50", "90.0", "90"]
    assert told["large-held"] == ["f16", "float32", "220.0", "110", "240.0", "80"]
    assert told["alone"][3] == told["alone"][5] == ""
    made = verdicts("fedaqt", source)
    assert made[LOAD] == ("holds", "Of float32 of the same network: held 50 %.")
    assert made[STEP][0] == "holds"
    assert verdicts("omc", source)[OMC] == (
        "holds",
        "Of float32 of the same network: held 90 %; large-held 80 %.",
    )


def test_a_claim_that_holds_of_one_network_only_cannot_be_said(tmp_path: Path) -> None:
    source = measured(tmp_path, "plain", "held", "large", "large-held")
    verdict, words = resident.falls(source, "load")
    assert verdict == "cannot be said"
    assert "held 50 %; large-held 110 %" in words
    only_large = measured(tmp_path / "large", "large", "large-held")
    assert resident.falls(only_large, "load")[0] == "does not hold"
    hardly = measured(tmp_path / "hardly", "plain", "hardly")
    assert resident.falls(hardly, "load")[0] == "cannot be said"


def test_without_float32_beside_it_nothing_is_said(tmp_path: Path) -> None:
    source = measured(tmp_path, "alone", "plain")
    assert resident.falls(source, "train")[0] == "cannot be said"
    assert verdicts("omc", source)[OMC][0] == "cannot be said"
