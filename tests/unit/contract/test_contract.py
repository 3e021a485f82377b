"""Messages between host and trainer: whole, strict, and the same after a round trip."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.contract import EVENT_TYPES, Job, parse_event
from harness.contract.events import EventError
from harness.contract.schema import SCHEMA_FOLDER, schemas


def test_a_job_survives_the_wire(make_job):
    job = make_job()
    assert Job.model_validate_json(job.model_dump_json()) == job


@pytest.mark.parametrize(
    ("section", "change"),
    [
        ("training", {"epochs": "many"}),
        ("training", {"learning_rate": float("nan")}),
        ("training", {"surprise": 1}),
        ("selection", {"need_mb": {"S1": 1}}),
        ("selection", {"need_mb": {"S1": 1, "S5": 1, "S8": 1, "S9": 1}}),
        ("outputs", {"folder": "relative"}),
        ("outputs", {"events": "/a\nb"}),
        ("data", {"train": []}),
        ("model", {"sha256": "abc"}),
    ],
)
def test_a_bad_job_is_refused(make_job, section, change):
    with pytest.raises(ValidationError):
        make_job(**{section: change})


@given(st.binary(max_size=80))
def test_no_line_breaks_the_event_parser(line):
    try:
        event = parse_event(line)
    except EventError:
        return
    assert isinstance(event, EVENT_TYPES)


@pytest.mark.parametrize(
    "line",
    [
        '{"type": "stopped", "seq": 1, "t_boot_ms": 2, "reason": "boredom", "epoch": 1}',
        '{"type": "stopped", "seq": 1, "t_boot_ms": 2, "reason": "battery"}',
        '{"type": "dance", "seq": 1, "t_boot_ms": 2}',
        '{"type": "stopped", "seq": -1, "t_boot_ms": 2, "reason": "battery", "epoch": 1}',
        '{"type": "step", "seq": 1, "t_boot_ms": 2, "epoch": 1, "step": 1, "loss": NaN,'
        ' "seconds": 1, "utterances": 5}',
    ],
)
def test_bad_events_are_refused(line):
    with pytest.raises(EventError):
        parse_event(line)


def test_a_good_event_is_read():
    event = parse_event('{"type":"stopped","seq":1,"t_boot_ms":2,"reason":"battery","epoch":3}\n')
    assert (event.reason, event.epoch) == ("battery", 3)


@pytest.mark.parametrize("name", ["job", "event"])
def test_the_published_schemas_are_current(name):
    """`python -m harness.contract.schema` writes them again."""
    path = SCHEMA_FOLDER / f"{name}.schema.json"
    assert json.loads(path.read_text()) == schemas()[name]
