"""Other speakers of a scenario: who is listened to while somebody else's training goes on."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from harness.scenario.base import CorpusName, Count, Section

SpeakerName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=60)]


class AlsoEvaluate(Section):
    """Speakers whose validation sentences are heard before the first and after the last epoch."""

    corpus: CorpusName | None = None
    """The corpus that they are of; if neither this nor ``manifest`` is given, they are
    where the job's own speaker is."""
    manifest: Annotated[str, StringConstraints(min_length=1, max_length=1024)] | None = None
    """The recordings that they are of, as in ``data.manifest``."""
    speakers: Annotated[tuple[SpeakerName, ...], Field(min_length=1)] | None = None
    """Who; the job's own speaker among them is passed over. Left out: all there are."""
    validation: Count | None = Field(None, ge=1, le=100_000)
    """Sentences of each, the first ones; left out, as many as ``data.validation`` says. What the
    job's own speaker trains on is never among them."""

    @model_validator(mode="after")
    def _one_source(self) -> AlsoEvaluate:
        if self.corpus is not None and self.manifest is not None:
            raise ValueError("give corpus or manifest, not both")
        if self.speakers is not None and len(set(self.speakers)) < len(self.speakers):
            raise ValueError("a speaker stands here twice")
        return self


def _names_alone(value: Any) -> Any:
    if isinstance(value, str):
        value = [value]
    return {"speakers": value} if isinstance(value, (list, tuple)) else value


AlsoEvaluateOrNames = Annotated[AlsoEvaluate, BeforeValidator(_names_alone)]
"""A list of names alone is the speakers."""
