"""Checkpoints in fewer bits, in a scenario: a word alone is the format."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.contract.wire import Wire
from harness.errors import InputError
from harness.scenario import expand_jobs, parse_scenario
from harness.yamlio import parse_yaml

HEAD = "name: x\nmodel: ds2-mini\n"


def jobs(text: str):
    raw, lines = parse_yaml(HEAD + text, "s.yaml")
    return expand_jobs(parse_scenario(raw, lines, folder=Path()))


def test_a_word_alone_is_the_format_and_formats_are_an_axis() -> None:
    found = jobs("matrix:\n  trainer.stored: [null, S1E3M7, {format: int8, per: column}]\n")
    axes = [job.axes["trainer.stored"] for job in found]
    assert axes == [None, "S1E3M7", "int8 per column"]
    assert len({job.identity for job in found}) == 3
    assert found[0].identity == jobs("")[0].identity
    stored = found[1].content.trainer.stored
    assert stored is not None
    assert stored.as_wire() == Wire(format="S1E3M7", rounding="nearest_even", draw="0")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("trainer: {stored: int5}", "int5 is no format"),
        ("trainer: {stored: {format: int8, transform: true}}", "transform is for S1EeMm"),
        ("trainer: {stored: {format: S1E3M7, per: row}}", "per: row is for int8"),
        ("trainer: {stored: {format: int8, share: 0}}", "share"),
        ("trainer: {mode: evaluate, stored: int8}", "evaluate trains nothing"),
        ("trainer: {stored: int8}\nfederated: {rounds: 2}", "trainer.stored is for checkpoints"),
    ],
)
def test_what_cannot_be_is_refused(text: str, what: str) -> None:
    with pytest.raises(InputError, match=what):
        jobs(text)
