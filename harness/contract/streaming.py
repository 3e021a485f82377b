"""How a trainer hears recordings while they go on, where a job asks for it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from pydantic import Field

from harness.contract.base import Message
from harness.contract.network import Network, NetworkError

FAMILIES: Final = ("transducer",)
"""Whose files have the signatures for it."""

SIGNATURES: Final = frozenset({"stream_features", "encode_chunk", "predict", "joint"})
"""Of a file that hears while a recording goes on: ``harness.model.transducer.streaming``."""


class Streaming(Message):
    """Validation utterances are heard segment by segment, as if they went on now."""

    beam: int = Field(1, ge=1, le=64)
    """Labellings that are kept; 1: the likeliest label of each step."""


def check_signatures(names: Collection[str]) -> None:
    """Check that a file has what hears a recording while it goes on.

    Args:
        names: Of its signatures.

    Raises:
        NetworkError: It lacks some.
    """
    lacking = SIGNATURES.difference(names)
    if lacking:
        raise NetworkError(
            "the model cannot hear a recording while it goes on: it lacks the signatures "
            f"{', '.join(sorted(lacking))}"
        )


def check_streaming(network: Network) -> None:
    """Check that a network can hear a recording while it goes on.

    Raises:
        NetworkError: It cannot.
    """
    if network.family not in FAMILIES:
        raise NetworkError(
            f"recordings are to be heard while they go on, and a {network.family} hears whole ones"
        )
