"""What makes two jobs the same job: the hash of their resolved content."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from harness.contract import mobileasr

_NOT_IDENTITY = ("limits", "baseline")
"""How long a step may take changes when an attempt is given up, not what it measures; what a
baseline is called is not what it is."""

_SPELT_OUT: dict[str, dict[str, Any]] = {"trainer": {"candidates": list(mobileasr.CANDIDATES)}}
"""Fields whose default was a value once: left out, they count as that, so ids stay."""

_ADDED: dict[str, dict[str, Any]] = {
    "trainer": {
        "keep": "best",
        "mode": "train",
        "exits": None,
        "streaming": None,
        "stored": None,
    },
    "data": {"part": None, "accents": "kept"},
    "federated": {"pruning": None},
}
"""Fields that came later, with what was so before: at that value they leave a job the same."""
_ADDED_WITHIN: dict[tuple[str, str], dict[str, Any]] = {
    ("trainer", "exits"): {"decoder": "ctc"},
}
"""The same, a level further down."""
_ADDED_SECTIONS = ("also_evaluate", "federated")
"""Sections that came later: where there is none, a job is the same."""


def canonical_json(value: Any) -> str:
    """Return JSON with sorted keys and no spaces; a whole float is written like the integer.

    ``1`` and ``1.0``, ``1e-4`` and ``0.0001`` are the same value to a scenario's writer, so they
    must be the same text here.
    """
    return json.dumps(
        _plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value


def sha256_of(value: Any) -> str:
    """Return the SHA-256 of the canonical JSON of ``value``."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def job_identity(
    content: Mapping[str, Any],
    *,
    repeat: int,
    round_number: int,
    rounds: int,
    avoid: list[dict[str, Any]],
) -> str:
    """Return the identity (SHA-256) of a job.

    Args:
        content: The resolved `JobContent` as a mapping.
        repeat: 1, 2, ...
        round_number: 1, 2, ...; a later round stands on the earlier ones, which have the same
            content, so the number says it all.
        rounds: How many rounds the corpus is cut into.
        avoid: Phones that the job must not run on.
    """
    kept = {key: _as_before(key, value) for key, value in content.items()}
    kept = {key: value for key, value in kept.items() if key not in _NOT_IDENTITY}
    kept = {k: v for k, v in kept.items() if v is not None or k not in _ADDED_SECTIONS}
    return sha256_of(
        {
            "version": 1,
            "content": kept,
            "repeat": repeat,
            "round": round_number,
            "rounds": rounds,
            "avoid": avoid,
        }
    )


def _as_before(section: str, value: Any) -> Any:
    added, spelt_out = _ADDED.get(section, {}), _SPELT_OUT.get(section, {})
    if not isinstance(value, Mapping):
        return value
    value = {name: spelt_out.get(name) if v is None else v for name, v in value.items()}
    value = {n: _without(v, _ADDED_WITHIN.get((section, n), {})) for n, v in value.items()}
    return _without(value, added)


def _without(value: Any, added: Mapping[str, Any]) -> Any:
    """Return a section without fields that are at the value that was so before they came."""
    if not isinstance(value, Mapping):
        return value
    return {name: inner for name, inner in value.items() if (name, inner) not in added.items()}


def job_label(axes: Mapping[str, Any], *, repeat: int, round_number: int, rounds: int) -> str:
    """Return a short readable name: the last word of each value of the axes."""
    words = [_word(value) for value in axes.values()]
    if rounds > 1:
        words.append(f"r{round_number}")
    if repeat > 1:
        words.append(f"x{repeat}")
    return "-".join(word for word in words if word)[:40].strip("-.") or "job"


def _word(value: Any) -> str:
    if isinstance(value, Mapping):
        return "-".join(_word(inner) for inner in value.values())
    if isinstance(value, (list, tuple)):
        return "-".join(_word(inner) for inner in value)
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.")
