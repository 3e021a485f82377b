"""What a trainer is told to select by: measured, predicted, or the paper's estimate."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.errors import InputError
from harness.lab.planning.materials import Materials
from harness.lab.planning.plan import Plan, make_plan
from harness.memory.as_printed import estimate
from harness.memory.measured import Conditions, Measured, MemoryRecord
from harness.model.deepspeech2.configuration import TINY
from harness.model.sizes import network_sizes
from harness.paths import data_root
from harness.scenario import expand_jobs, parse_scenario, tasks_of
from harness.trainer.manifest import load_manifest, save_manifest
from harness.yamlio import parse_yaml
from tests.unit.lab.fakes import make_phone

SHIPPED = data_root() / "models" / "ds2-tiny"
RECORD = MemoryRecord(
    conditions=Conditions(
        date="2026-01-01", runtime="r 1", python="3.11", platform="p", threads=2, utterances=80
    ),
    files={1: "0" * 64, 10: "0" * 64},
    calibrating=tuple(
        Measured(sub_model=name, batch_size=size, need_mb=need + size, selected_mb=50)
        for name, need in (("S1", 100), ("S8", 40))
        for size in (1, 10)
    ),
)


def planned(folder: Path, trainer: str = "", **manifest: object) -> Plan:
    model = folder / "model"
    if not model.exists():
        shutil.copytree(SHIPPED, model)
    save_manifest(load_manifest(model).model_copy(update=manifest), model)
    text = f"name: t\nmodel: {{path: model}}\ntrainer: {{batch_size: 2{trainer}}}\n"
    raw, lines = parse_yaml(text + "pressure: {fits: S8}\n", "s.yaml")
    specs = expand_jobs(parse_scenario(raw, lines, folder=folder))
    return make_plan(Materials(folder).needs(tasks_of(specs)), [make_phone("A")])


def test_a_batch_size_that_was_not_measured_is_predicted_and_said_so(tmp_path: Path) -> None:
    (job,) = planned(tmp_path, need_mb={}, memory=RECORD, sizes=network_sizes(TINY)).jobs
    assert job.needs.memory.mb["S1"] == 102
    assert job.needs.memory.mb["S8"] == 42
    assert 42 < job.needs.memory.mb["S5"] < 102
    assert "at batch size 2 was not measured but is predicted" in job.warnings[0]
    (job,) = planned(tmp_path, need_mb={2: {"S1": 99.0, "S5": 70.0, "S8": 50.0}}).jobs
    assert (job.needs.memory.mb["S1"], job.needs.memory.mb["S8"]) == (99.0, 50.0)
    assert "S1" not in job.warnings[0]
    assert job.needs.goal is not None
    assert 50 < job.needs.goal.available_mb - job.needs.model.manifest.trainer_base_mb < 70


def test_the_papers_estimate_on_request(tmp_path: Path) -> None:
    sizes, network = network_sizes(TINY), load_manifest(SHIPPED).network
    (job,) = planned(tmp_path, ", memory_model: as_printed", sizes=sizes).jobs
    for name, need in job.needs.memory.mb.items():
        layers = network.sub_model(name).layers
        assert need == pytest.approx(estimate(sizes, layers, 2).total, abs=0.06)
    assert job.warnings == ()


def test_without_what_it_takes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not have the sizes"):
        planned(tmp_path, ", memory_model: as_printed", sizes=None)
    with pytest.raises(InputError, match="--calibrate"):
        planned(tmp_path, need_mb={}, memory=None)
