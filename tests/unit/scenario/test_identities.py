"""A job's id and identity never change: run folders, ledgers and resume are found by them.

``tests/golden/identities.json`` was written before demands and gates became typed models. Write it
anew (``python -m tests.unit.scenario.test_identities``) only for a scenario that itself changed.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.scenario import JobSpec, expand_jobs, load_scenario, parse_scenario
from harness.yamlio import parse_yaml

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests/golden/identities.json"
EVERY_FORM = """
name: every-form
model: ds2-mini
data: {speaker: us-male}
trainer: {learning_rate: 1.0e-4, stop: {available_below_mb: 300}}
phones:
  profile: oneplus-7t
  serial: [A, B-*]
  ram_mb: 6000
  soc: ["Snapdragon 8*"]
  android: ">= 10"
  sdk: 29.0
  count: 2
gates: {preset: strict, battery_percent_min: 50, charging: false, limits_s: {battery_c_max: 9}}
pressure: {fits: S5, by: ballast}
matrix:
  phones.origin: [virtual, device]
  phones.abi: [arm64-v8a, [arm64-v8a, x86_64]]
  trainer.batch_size: [5, 10]
  exclude:
    - {trainer.batch_size: 10, phones.tags: [a, b]}
    - {trainer.batch_size: 5, phones.each: true}
"""
"""Every way in which a demand and a gate may be written."""


def jobs_of(name: str) -> list[JobSpec]:
    if name == "every form":
        raw, lines = parse_yaml(EVERY_FORM, "every-form.yaml")
        return expand_jobs(parse_scenario(raw, lines, folder=ROOT))
    return expand_jobs(load_scenario(ROOT / "scenarios" / name))


def names() -> list[str]:
    folder = ROOT / "scenarios"
    shipped = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.yaml"))
    return ["every form", *shipped]


def written(jobs: list[JobSpec]) -> dict[str, object]:
    on_phones = [job.on_phone("SERIAL") for job in jobs]
    return {
        "jobs": [[job.job_id, job.identity] for job in jobs],
        "on a phone": [[job.job_id, job.identity] for job in on_phones],
        "phones": [job.model_dump(mode="json")["content"]["phones"] for job in on_phones],
        "gates": [job.model_dump(mode="json")["content"]["gates"] for job in jobs],
        "avoid": [job.model_dump(mode="json")["avoid"] for job in jobs],
    }


@pytest.mark.parametrize("name", names())
def test_identities_and_what_ledgers_hold_stay_as_they_are(name: str) -> None:
    known = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert written(jobs_of(name)) == known[name]


@pytest.mark.parametrize("name", names())
def test_a_job_read_from_a_ledger_is_the_same(name: str) -> None:
    for job in jobs_of(name):
        again = JobSpec.model_validate_json(job.model_dump_json())
        assert again == job
        assert again.model_dump_json() == job.model_dump_json()


if __name__ == "__main__":
    text = json.dumps({name: written(jobs_of(name)) for name in names()}, indent=1)
    GOLDEN.write_text(text + "\n", encoding="utf-8")
