"""``run.json``: what a run was asked to do, with what, on what (version 1)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from harness.results.model import ClientRecord, Origin, PhoneRecord, Record


class PlanRecord(Record):
    """One job of the plan, as ``harness plan`` would print it."""

    job_id: str
    identity: str
    """SHA-256 of the job's resolved content: the same in every run of the same plan."""
    axes: dict[str, Any] = Field(default_factory=dict)
    repeat: int = 1
    round: int = 1
    parents: tuple[str, ...] = ()
    """Tasks that it waits for; for a later round, the one whose kept checkpoint it starts from."""
    speaker: str
    batch_size: int
    epochs: int
    sub_model: str
    """As asked for: ``auto`` or the forced one."""
    pressure: str
    """The goal in words, ``none`` without pressure."""
    candidates: tuple[str, ...] = ()
    """Serials of the phones that fit."""
    need_mb: dict[str, float] = Field(default_factory=dict)
    estimate_s: float | None = None
    client: ClientRecord | None = None
    """Of federated training."""

    @model_validator(mode="before")
    @classmethod
    def _with_parents(cls, raw: Any) -> Any:
        """Read what was written while a job had at most one parent (``depends_on``)."""
        if not isinstance(raw, dict) or "depends_on" not in raw:
            return raw
        parent = raw["depends_on"]
        rest = {key: value for key, value in raw.items() if key != "depends_on"}
        return {**rest, "parents": (parent,) if parent else ()}


class HostRecord(Record):
    """The machine that ran the lab."""

    platform: str
    cpus: int
    memory_mb: float
    python: str


class RunRecord(Record):
    """``run.json``."""

    version: Literal[1] = 1
    run_id: str
    name: str
    title: str = ""
    started_utc: str
    finished_utc: str | None = None
    """None while the run goes on, and after a crash."""
    interrupted: bool = False
    command: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = ()
    scenario: dict[str, Any]
    """The scenario as resolved, with all defaults written out."""
    scenario_source: str = ""
    scenario_sha256: str
    plan: tuple[PlanRecord, ...] = ()
    versions: dict[str, str] = Field(default_factory=dict)
    host: HostRecord
    phones: tuple[PhoneRecord, ...] = ()
    models: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Model name -> its manifest."""
    data: dict[str, Any] = Field(default_factory=dict)
    """Per corpus: SHA-256 of its manifest, speakers, counts."""
    farm: dict[str, Any] | None = None
    """The virtual farm, where one was started for this run."""
    notes: tuple[str, ...] = ()
