"""The common shape of every message: frozen, strict about unknown fields, finite numbers only."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Message(BaseModel):
    """Base of all contract models."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
