"""``--only path=value``: which jobs of a plan to run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from harness.errors import InputError
from harness.scenario.matrix import same_value
from harness.scenario.overrides import value_from_text
from harness.scenario.paths import MISSING, field_paths, get_path, is_known, suggestion
from harness.scenario.schema import JobContent
from harness.scenario.spec import JobSpec

_OWN = ("repeat", "round", "job")


def filtered(jobs: list[JobSpec], only: Iterable[str]) -> list[JobSpec]:
    """Keep the jobs that pass every filter, and the earlier rounds that they stand on.

    Raises:
        InputError: A filter is malformed, names no field, or leaves nothing.
    """
    kept = jobs
    for text in only:
        path, equals, values = text.partition("=")
        path = path.strip()
        if not equals or not path or not values.strip():
            raise InputError(
                "a filter is path=value", where=f"--only {text}", hint="As in pressure.fits=S5."
            )
        if path not in _OWN and not is_known(path, JobContent):
            raise InputError(
                f"unknown path {path!r}",
                where=f"--only {text}",
                hint=suggestion(path, _OWN) or suggestion(path, field_paths(JobContent)),
            )
        wanted = [value_from_text(value, f"--only {text}") for value in values.split(",")]
        kept = [job for job in kept if any(_has(job, path, value) for value in wanted)]
        if not kept:
            there = sorted({_shown(job, path) for job in jobs})
            raise InputError(
                "no job is left",
                where=f"--only {text}",
                hint=f"{path} is {', '.join(there[:12])} in this scenario.",
            )
    places = {job.job_id: place for place, job in enumerate(jobs)}
    needed = {
        round_before.job_id
        for job in kept
        for round_before in jobs[places[job.job_id] - job.round + 1 : places[job.job_id] + 1]
    }
    return [job for job in jobs if job.job_id in needed]


def _value(job: JobSpec, path: str) -> Any:
    if path == "job":
        return job.job_id
    if path in _OWN:
        return getattr(job, path)
    if path in job.axes:
        return job.axes[path]
    return get_path(job.content.model_dump(mode="json"), path)


def _has(job: JobSpec, path: str, wanted: Any) -> bool:
    actual = _value(job, path)
    return actual is not MISSING and same_value(wanted, actual)


def _shown(job: JobSpec, path: str) -> str:
    value = _value(job, path)
    return "not set" if value is MISSING else str(value)
