"""A job as the scenario means it."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from harness.scenario.base import Section
from harness.scenario.schema import JobContent


class JobSpec(Section):
    """One job: everything an attempt needs to know of the scenario."""

    job_id: str
    """Readable label plus the first ten digits of the identity; a safe file name."""
    identity: str
    index: int
    """Place in the order in which jobs are offered to phones."""
    content: JobContent
    axes: dict[str, Any] = Field(default_factory=dict)
    repeat: int = 1
    round: int = 1
    rounds: int = 1
    depends_on: str | None = None
    """Job of the round before: this one starts from its kept checkpoint, on its phone."""
    avoid: tuple[dict[str, Any], ...] = ()
    """Demands; a phone that meets one of them does not get the job."""

    @property
    def training_seed(self) -> int:
        """Seed of this repeat."""
        return self.content.trainer.seed + self.repeat - 1
