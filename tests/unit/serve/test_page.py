"""The live page shows sub-models by their place in their network, as the report does."""

from __future__ import annotations

import re
from typing import Any

from harness.serve.facts import Ended, Running, RunState
from harness.serve.page import run_page
from tests.fixtures.networks import three

ORDERS = {"ds2-mini": ("S1", "S5", "S8"), "mine": three().sub_model_names}


def ended(model: str, sub_model: str | None) -> Ended:
    told: dict[str, Any] = dict.fromkeys(Ended.model_fields)
    told |= {"key": "a1", "job_id": "j", "attempt": 1, "last": True, "serial": "s", "profile": "p"}
    told |= {"speaker": "x", "seconds": 1.0, "model": model, "sub_model": sub_model}
    return Ended.model_validate(told)


def running(sub_model: str | None) -> Running:
    told = {"job_id": "j", "attempt": 1, "serial": "s", "step": "train", "axes": {}, "speaker": "x"}
    told |= {"started_utc": "2026-01-01T00:00:00Z", "seconds": 1.0, "sub_model": sub_model}
    told |= {"phase": None, "epoch": 1, "epochs": 2, "steps": 2, "loss": [(1, 2.0), (2, 1.0)]}
    return Running.model_validate({**told, "wer_percent": [], "samples": {}})


def state_of(*attempts: Running | Ended, **more: Any) -> RunState:
    return RunState(
        run_id="r",
        name="t",
        title="t",
        stage="running",
        started_utc="2026-01-01T00:00:00Z",
        finished_utc=None,
        origins=(),
        counts={},
        total=1,
        done=0,
        seconds=1.0,
        left_s=None,
        wer_percent=None,
        verdict="",
        good=None,
        job_names={},
        sub_models=more.pop("sub_models", {}),
        phones=(),
        running=tuple(attempt for attempt in attempts if isinstance(attempt, Running)),
        queue=(),
        queued=0,
        ended=tuple(attempt for attempt in attempts if isinstance(attempt, Ended)),
        **more,
    )


def page(*attempts: Running | Ended, sub_models: dict[str, tuple[str, ...]]) -> str:
    return run_page(state_of(*attempts, sub_models=sub_models), alone=True)


def marks(text: str) -> list[tuple[str, str]]:
    """Return (colour, mark) of each sub-model that is named."""
    return re.findall(r'class="mark" style="fill:var\(--(\w+)\)".*?href="#(\w+)"', text)


def test_an_ended_attempt_looks_as_its_models_network_says() -> None:
    text = page(ended("mine", "B_2"), ended("ds2-mini", "S5"), sub_models=ORDERS)
    assert marks(text) == [("s42", "m2"), ("s21", "m1")]
    # a run of before there were networks, a name that no network has, and none at all
    assert marks(page(ended("old", "S8"), sub_models={})) == [("s42", "m7")]
    assert marks(page(ended("mine", "S1"), sub_models=ORDERS)) == [("soft", "mx")]
    assert marks(page(ended("mine", None), sub_models=ORDERS)) == []


def test_a_running_attempt_is_of_the_network_that_has_its_sub_model() -> None:
    text = page(running("Ends.of-it"), sub_models=ORDERS)
    assert marks(text) == [("s21", "m1")]
    assert "stroke:var(--s21)" in text  # its curves
    assert marks(page(running("none fits"), sub_models=ORDERS)) == [("soft", "mx")]
    assert marks(page(running(None), sub_models=ORDERS)) == []
