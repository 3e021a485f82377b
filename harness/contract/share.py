"""What a job of federated training asks besides: what goes back to the host, and what does not.

A job without this section is as it always was, and is written without it: a trainer that does not
know it refuses the jobs that have it, and no others.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from harness.contract.base import Message
from harness.contract.wire import Wire

Form = Literal["weights", "delta"]
"""``weights``: of the layers that were trained, as they are in the end. ``delta``: those minus what
the job began with (``model.checkpoint``)."""


class Share(Message):
    """``share`` of ``job.json``."""

    form: Form = "weights"
    steps: int | None = Field(None, ge=1)
    """Training ends after so many optimiser steps, if its epochs have not ended before."""
    proximal: float = Field(0.0, ge=0)
    """FedProx's mu: after each step the trained weights go back towards what the job began with,
    by learning rate times mu times their distance from it."""
    hypotheses: bool = False
    """Whether the log holds what was heard; without it, only counts of word errors."""
    wire: Wire | None = None
    """How weights that go back are written smaller; None: as float32. The file that the job begins
    with says itself how its variables are read."""

    @model_serializer(mode="wrap")
    def _says_no_more_than_needed(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        share: dict[str, Any] = whole(self)
        if self.wire is None:
            share.pop("wire", None)
        return share


class WordCounts(Message):
    """Word errors of all validation utterances together."""

    substitutions: int = Field(ge=0)
    deletions: int = Field(ge=0)
    insertions: int = Field(ge=0)
    reference_words: int = Field(ge=0)
