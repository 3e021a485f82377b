"""Golden vectors of recordings that are heard while they go on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from pydantic import ValidationError

from harness.contract import Job, parse_event
from harness.contract.targets import Targets
from harness.trainer.streamed import stream
from harness.trainer.streaming import Encoder, Recogniser, Shape
from harness.trainer.transduced import Beam, Greedy

_ALPHABET = "abc"
_OUTPUTS = len(_ALPHABET) + 1
_HEARD, _PLACES = 5, 7
"""What a frame can be, and what can be written before it."""
_WINDOW, _HOP, _RATE = 40, 16, 160
_TICK_S = 1 / 64
_JOBS: tuple[Any, ...] = ({}, {"beam": 1}, {"beam": 64})
_NO_JOBS: tuple[Any, ...] = ({"beam": 0}, {"beam": 65}, {"beam": 1.5}, {"beam": 2, "width": 1}, [])


@dataclass
class Table:
    """A model of whole numbers and a table of logits: any trainer can have the same."""

    logits: list[list[list[float]]]
    """By what a frame is, and by what was written."""
    shape = Shape(frames=6, hop=4, chunk=2, labels_a_frame=1)
    info = SimpleNamespace(targets=Targets(_ALPHABET), blank=0, window=_WINDOW, hop=_HOP)
    samples = _WINDOW + 5 * _HOP

    def features(self, pcm: Any) -> Any:
        """Return the first sample of each window, [frames, 1]."""
        count = 1 + (len(pcm) - _WINDOW) // _HOP
        return np.array(pcm[: count * _HOP : _HOP], np.float32)[:, None]

    def encode(self, features: Any, state: Encoder | None) -> Encoder:
        """Return two joined frames: what a frame is, from features and the sum of those before."""
        past = 0 if state is None else state.past
        padded = np.zeros(4, np.int64)
        padded[: len(features[:4])] = features[:4, 0].astype(np.int64)
        frames = [[float((past + a + 2 * b) % _HEARD)] for a, b in padded.reshape(2, 2)]
        nothing = np.zeros(0, np.float32)
        past = int(past + padded.sum()) % 11
        return Encoder(np.array(frames, np.float32), nothing, nothing, past)

    def predict(self, label: int, state: Any) -> tuple[Any, Any]:
        """Return the place in the table after a label more."""
        place = label if state is None else (3 * state + label + 1) % _PLACES
        return np.array([place], np.float32), place

    def joint(self, heard: Any, written: Any) -> Any:
        """Return logits of the table."""
        return np.array(self.logits[int(heard[0])][int(written[0])], np.float32)


@dataclass
class Clock:
    """The n-th time that it is asked, n squared ticks have gone by."""

    asked: int = 0

    def __call__(self) -> float:
        """Return seconds."""
        self.asked += 1
        return self.asked**2 * _TICK_S


def _table(seed: int) -> Table:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (_HEARD, _PLACES, _OUTPUTS)) + np.array([2.0, 0, 0, 0])
    return Table(np.round(logits, 2).tolist())


def _decoding() -> list[dict[str, Any]]:
    """Labellings of frames, by greedy decoding and by beams, with the scores of these."""
    cases = []
    for seed in range(6):
        table = _table(seed)
        frames = np.random.default_rng(100 + seed).integers(0, _HEARD, 9)
        for beam in (1, 2, 5):
            decoder: Any = Greedy(table, 0, 3) if beam == 1 else Beam(table, 0, 3, beam)
            decoder.hear(frames[:, None].astype(np.float32))
            lists = [] if beam == 1 else decoder.n_best(beam)
            cases.append(
                {
                    "logits": table.logits,
                    "frames": frames.tolist(),
                    "labels_a_frame": 3,
                    "beam": beam,
                    "labels": decoder.labels,
                    "n_best": [list(labels) for labels, _ in lists],
                    "scores": [score for _, score in lists],
                }
            )
    return cases


def _recordings() -> list[dict[str, Any]]:
    """Recordings that are whole, end within a segment, or are too short for a step."""
    cases = []
    for seed, length in enumerate((120, 121, 400, 377, 160, 39, 40, 1)):
        rng = np.random.default_rng(200 + seed)
        pcm = rng.integers(0, 9, length) * 100
        pcm[-length // 4 :] //= 80
        table = _table(seed)
        for beam in (1, 3):
            model: Any = table
            heard = stream(Recogniser(model, beam=beam), pcm.astype(np.int16), _RATE, Clock())
            cases.append(
                {
                    "logits": table.logits,
                    "pcm": pcm.tolist(),
                    "beam": beam,
                    "text": heard.text,
                    "steps": heard.steps,
                    "audio_s": heard.audio_s,
                    "compute_s": heard.compute_s,
                    "last_word_s": heard.last_word_s,
                }
            )
    return cases


def streaming(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return jobs, events, decoding, and recordings with what hearing them comes to.

    Args:
        job: One that is right.
    """
    valid = []
    for each in _JOBS:
        given = {**job, "streaming": each}
        means = Job.model_validate_json(json.dumps(given)).model_dump(mode="json")
        valid.append({"job": given, "means": means})
    invalid = [{**job, "streaming": each} for each in _NO_JOBS]
    invalid.append({**job, "streaming": {}, "exits": {}})
    for wrong in invalid:
        try:
            Job.model_validate_json(json.dumps(wrong))
        except ValidationError:
            continue
        raise AssertionError(f"accepted: {wrong}")
    event = {"type": "streamed", "seq": 5, "t_boot_ms": 6, "epoch": 0, "id": "u-1", "steps": 8}
    heard = {"audio_s": 2.1, "compute_s": 0.25, "last_word_s": 0.31}
    events = [event | heard, event | heard | {"last_word_s": None}]
    for each in events:
        parse_event(json.dumps(each))
    return {
        "jobs": {"valid": valid, "invalid": invalid},
        "events": events,
        "decoding": _decoding(),
        "recordings": _recordings(),
    }
