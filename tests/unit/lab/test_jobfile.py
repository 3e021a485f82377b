"""What the trainer is told of a job."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.lab.attempt.jobfile import PhoneLayout, job_file
from tests.unit.lab.fakes import FOLDER, make_material, make_spec

LAYOUT = PhoneLayout("/data/local/tmp/mobileasr", "job-1", 1)


@pytest.mark.parametrize("keep", ["best", "last"])
def test_the_trainer_is_told_which_checkpoint_counts(tmp_path: Path, keep: str) -> None:
    job = job_file(make_spec(trainer={"keep": keep}), make_material(tmp_path), LAYOUT)
    assert (job.version, job.keep, job.outputs.folder) == (2, keep, FOLDER)


def test_needs_are_told_in_the_order_of_the_network(tmp_path: Path) -> None:
    material = replace(make_material(tmp_path), need_mb={"S8": 1.0, "S1": 3.0, "S5": 2.0})
    job = job_file(make_spec(), material, LAYOUT)
    assert list(job.selection.need_mb) == ["S8", "S1", "S5"]
    assert job.selection.candidates == ("S1", "S5", "S8")
    alone = replace(material, sub_models=("S5",))
    forced = job_file(make_spec(trainer={"sub_model": "S5"}), alone, LAYOUT)
    assert (forced.selection.candidates, forced.selection.forced) == (("S5",), "S5")
