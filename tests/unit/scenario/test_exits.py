"""Rules for exits in a scenario: a word alone is the rule, and what cannot be is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.contract.network import Exit, Layer, Network, SubModel
from harness.errors import InputError
from harness.scenario import expand_jobs, parse_scenario
from harness.scenario.exits import Exits, check_exits
from harness.yamlio import parse_yaml

HEAD = "name: x\nmodel: ds2-mini\n"
NETWORK = Network(
    family="two",
    layers=(
        Layer(name="Low", parameters=3),
        Layer(name="Head1", parameters=2),
        Layer(name="High", parameters=3),
        Layer(name="Head2", parameters=2),
    ),
    sub_models=(
        SubModel(name="all", layers=("Low", "Head1", "High", "Head2"), exits=("exit1", "exit2")),
    ),
    exits=(
        Exit(name="exit1", depth=1, head=("Head1",)),
        Exit(name="exit2", depth=2, head=("Head2",)),
    ),
    alphabet="ab",
)


def jobs(text: str):
    raw, lines = parse_yaml(HEAD + text, "s.yaml")
    return expand_jobs(parse_scenario(raw, lines, folder=Path()))


def test_a_word_alone_is_the_rule_and_rules_are_an_axis() -> None:
    found = jobs("matrix:\n  trainer.exits: [last, agreement, {rule: entropy, threshold: 0.1}]\n")
    assert [job.axes["trainer.exits"] for job in found] == ["last", "agreement", "entropy 0.1"]
    assert len({job.identity for job in found}) == 3
    (plain,) = jobs("")
    assert plain.identity == jobs("trainer: {mode: train}\n")[0].identity
    assert plain.identity not in {job.identity for job in found}


def test_who_writes_changes_a_job_only_if_it_is_not_the_head() -> None:
    found = jobs(
        "trainer: {exits: {rule: last}}\nmatrix: {trainer.exits.decoder: [ctc, attention]}\n"
    )
    assert [job.axes["trainer.exits.decoder"] for job in found] == ["ctc", "attention"]
    (plain,) = jobs("trainer: {exits: last}\n")
    assert [job.identity == plain.identity for job in found] == [True, False]
    with pytest.raises(InputError, match=r"decoder"):
        jobs("trainer: {exits: {decoder: beam}}\n")


def test_an_evaluation_hears_one_at_a_time_unless_it_says_otherwise() -> None:
    trainer = jobs("trainer: {mode: evaluate}\n")[0].content.trainer
    assert (trainer.batch_size, trainer.planned_epochs) == (1, 0)
    assert jobs("trainer: {mode: evaluate, batch_size: 5}\n")[0].content.trainer.batch_size == 5
    assert jobs("")[0].content.trainer.batch_size == 5


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("trainer: {exits: {rule: fixed}}", "exit and rule: fixed"),
        ("trainer: {exits: {rule: entropy}}", "threshold goes with"),
        ("trainer: {exits: {rule: posterior, threshold: 1.2}}", "between 0 and 1"),
        ("trainer: {exits: {rule: entropy, threshold: -1}}", "0 or more"),
        ("trainer: {exits: {rule: entropy, threshold: 1, entropy: as_code}}", "0 or less"),
        ("trainer: {exits: {rule: posterior, threshold: 0.9, n_best: 300}}", "n_best"),
        ("trainer: {exits: soon}", "exits"),
        ("trainer: {mode: evaluate}\nfederated: {rounds: 2}", "trains nothing"),
    ],
)
def test_what_cannot_be_is_refused(text: str, what: str) -> None:
    with pytest.raises(InputError) as error:
        jobs(f"{text}\n")
    assert what in str(error.value)


def test_a_network_must_have_the_exit() -> None:
    check_exits(Exits(rule="fixed", exit="exit1"), NETWORK)
    with pytest.raises(InputError, match="no exit 'exit3'") as error:
        check_exits(Exits(rule="fixed", exit="exit3"), NETWORK)
    assert error.value.where == "trainer.exits.exit"
    assert "exit1, exit2" in error.value.hint
    without = NETWORK.model_copy(update={"exits": ()})
    with pytest.raises(InputError, match="has none"):
        check_exits(Exits(rule="agreement"), without)
    with pytest.raises(InputError, match="no attention decoders") as error:
        check_exits(Exits(decoder="attention"), NETWORK)
    assert error.value.where == "trainer.exits.decoder"
