"""What a weak phone should train: steps of free memory, the front, and what cannot be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from harness.report.build import build_report
from harness.report.load import Attempt, load_run
from harness.report.spans import EVERYBODY, SpanGroup, part_in_words, span_groups
from harness.results.networks import network_of
from harness.results.store import HypothesisRow, Rows
from tests.fixtures.exits_run import NETWORK
from tests.fixtures.report_run import RunShape, make_run

WORDS = 10


@dataclass(frozen=True)
class Tried:
    """What a sub-model came to: words misheard in each of ten utterances, and what it took."""

    wrong: tuple[int, ...]
    need_mb: float | None
    took_mb: float | None = None
    start: int = 6


def attempts_of(root: Path, tried: Mapping[str, Tried], **shape: object) -> tuple[Attempt, ...]:
    """Return the attempts of a run whose sub-models came to what is given."""
    made = RunShape(
        **({"profiles": ("oneplus-7t",), "speakers": ("us-male",), "epochs": 2} | shape),  # type: ignore[arg-type]
        sub_models=tuple(tried),
    )
    found = load_run(make_run(root, made)).personal
    return tuple(_came_to(attempt, tried[attempt.sub_model.label]) for attempt in found)


def _came_to(attempt: Attempt, tried: Tried) -> Attempt:
    def row(epoch: int, number: int, errors: int) -> HypothesisRow:
        return HypothesisRow(
            epoch=epoch, id=f"u{number}", reference="a", hypothesis="b", substitutions=errors,
            deletions=0, insertions=0, reference_words=WORDS,
        )  # fmt: skip

    rows = [row(0, number, tried.start) for number in range(len(tried.wrong))]
    rows += [row(2, number, errors) for number, errors in enumerate(tried.wrong)]
    words = WORDS * len(tried.wrong)
    result = attempt.result.model_copy(
        update={
            "kept_epoch": 2,
            "wer_before_percent": 10.0 * tried.start,
            "wer_after_percent": 100 * sum(tried.wrong) / words,
            "need_mb": tried.need_mb,
            "measured_need_mb": tried.took_mb,
        }
    )
    return replace(attempt, result=result, read_hypotheses=lambda: Rows(rows))


def group_of(root: Path, tried: Mapping[str, Tried]) -> SpanGroup:
    (group,) = span_groups(attempts_of(root, tried))
    return group


def test_steps_name_the_best_that_fits(tmp_path: Path) -> None:
    group = group_of(
        tmp_path,
        {
            "S1": Tried((1,) * 10, 150),
            "S5": Tried((4,) * 10, 100),
            "S8": Tried((5,) * 10, 40, took_mb=60),
        },
    )
    assert [(s.from_mb, s.until_mb, s.best.sub_model.label) for s in group.steps] == [
        (60, 100, "S8"),  # it took more than it was to need
        (100, 150, "S5"),
        (150, None, "S1"),
    ]
    first, _, last = group.sentences
    assert first.startswith("With 60 to 100 MiB free: the upper 2 of 9 layers (S8), 50.0 %")
    assert last.startswith("With 150 or more MiB free: everything (S1), 10.0 %")
    assert "told" not in " ".join(group.sentences)


def test_what_cannot_be_told_apart_is_said(tmp_path: Path) -> None:
    group = group_of(
        tmp_path,
        {
            "S1": Tried((1, 4) * 5, 150),
            "S5": Tried((4, 2) * 5, 100),  # two words in a hundred and fifty more
            "S8": Tried((6,) * 10, 40),
        },
    )
    small, middle, large = group.steps
    assert (small.best.sub_model.label, small.as_good) == ("S8", ())
    assert "not surely better than no training (60.0 % before" in group.sentences[0]
    assert (middle.best.sub_model.label, middle.as_good) == ("S5", ())
    assert [span.sub_model.label for span in large.as_good] == ["S5"]
    assert "cannot be told from the upper 5 of 9 layers (S5), 30.0 %" in group.sentences[2]
    assert "of which S5 needs 100 MiB" in group.sentences[2]


def test_a_larger_one_that_is_no_better_makes_no_step(tmp_path: Path) -> None:
    middle = {"S5": Tried((1,) * 10, 100), "S8": Tried((3,) * 10, 40)}
    group = group_of(tmp_path, {"S1": Tried((5,) * 10, 150)} | middle)
    assert [step.best.sub_model.label for step in group.steps] == ["S8", "S5"]
    assert [span.sub_model.label for span in group.front_by_memory] == ["S8", "S5"]


def test_the_front_leaves_out_who_is_beaten_in_both(tmp_path: Path) -> None:
    even = {"S5": Tried((5,) * 10, 100), "S8": Tried((5,) * 10, 40)}
    group = group_of(tmp_path, {"S1": Tried((2,) * 10, 150)} | even)
    # S5 is no better than S8 and needs more
    assert [span.sub_model.label for span in group.front_by_memory] == ["S8", "S1"]


def test_without_hypotheses_nothing_is_told_apart(tmp_path: Path) -> None:
    tried = {"S1": Tried((1,) * 10, 150), "S8": Tried((5,) * 10, 40)}
    bare = [replace(a, read_hypotheses=lambda: Rows()) for a in attempts_of(tmp_path, tried)]
    (group,) = span_groups(bare)
    assert [span.after_percent for span in group.spans] == [10, 50]
    assert [span.sub_model.label for span in group.steps[1].as_good] == ["S8"]
    assert "Whether training helps cannot be said" in group.sentences[0]


def test_speakers_are_those_that_all_were_tried_on(tmp_path: Path) -> None:
    tried = {"S1": Tried((1,) * 10, 150), "S8": Tried((5,) * 10, 40)}
    every = attempts_of(tmp_path, tried, speakers=("us-male", "us-female", "ind-male"))
    groups = span_groups(every)
    assert [group.who for group in groups] == ["US (2 speakers)", "ind-male", EVERYBODY]
    assert [len(group.spans[0].attempts) for group in groups] == [2, 1, 3]
    cut = [a for a in every if (a.result.speaker, a.sub_model.label) != ("ind-male", "S1")]
    assert [group.who for group in span_groups(cut)] == ["US (2 speakers)"]


def test_other_settings_and_one_sub_model_are_not_compared(tmp_path: Path) -> None:
    tried = {"S1": Tried((1,) * 10, 150), "S8": Tried((5,) * 10, 40)}
    rates = attempts_of(tmp_path, tried, learning_rates=(1e-5, 1e-4))
    groups = span_groups(rates)
    assert [group.settings for group in groups] == [
        (("learning rate", "1e-5"),),
        (("learning rate", "1e-4"),),
    ]
    assert span_groups([a for a in rates if a.sub_model.label == "S1"]) == ()


def test_a_fall_within_the_noise_is_not_surely_better(tmp_path: Path) -> None:
    tried = {"S1": Tried((9, 2) * 5, 150), "S8": Tried((6,) * 10, 40)}
    group = group_of(tmp_path, tried)
    (step,) = [step for step in group.steps if step.best.sub_model.label == "S1"]
    assert step.best.change is not None
    assert step.best.change.low_points < step.best.change.points < 0
    assert "not surely better than no training (60.0 % before, change" in group.sentences[-1]


def test_rounds_are_not_compared_with_one_another(tmp_path: Path) -> None:
    tried = {"S1": Tried((1,) * 10, 150), "S8": Tried((5,) * 10, 40)}
    first = attempts_of(tmp_path, tried)
    later = [
        replace(a, result=a.result.model_copy(update={"round": 2, "wer_after_percent": 1.0}))
        for a in first
    ]
    groups = span_groups([*first, *later])
    assert [group.settings for group in groups] == [(("round", "1"),), (("round", "2"),)]
    assert [len(span.attempts) for group in groups for span in group.spans] == [1, 1, 1, 1]


def test_what_only_heard_trains_nothing(tmp_path: Path) -> None:
    tried = {"S1": Tried((1,) * 10, 150), "S8": Tried((5,) * 10, 40)}
    heard = [
        replace(a, result=a.result.model_copy(update={"epochs_planned": 0}))
        for a in attempts_of(tmp_path, tried)
    ]
    assert span_groups(heard) == ()


@pytest.mark.parametrize(
    ("layers", "weights", "words"),
    [
        (["Front", "L1", "L2", "L3"], "all", "everything"),
        (["Front", "L1", "Head1"], "all", "the lower 2 of 4 layers"),
        (["L2", "Head2", "L3", "Head3"], "all", "the upper 2 of 4 layers"),
        (["L1", "L2"], "all", "2 of 4 layers"),
        (["Head1", "Head2", "Head3"], "all", "heads alone"),
        (["Front", "L1", "L2", "L3"], "biases", "biases alone"),
    ],
)
def test_a_part_is_named_by_what_it_trains(layers: list[str], weights: str, words: str) -> None:
    part = {"name": "part", "layers": layers, "exits": ["exit3"], "weights": weights}
    network = network_of({"network": NETWORK | {"sub_models": [part]}})
    assert part_in_words(network, "part") == words
    assert part_in_words(network, "another") == "another"


def test_the_section_stands_where_sub_models_are_compared(tmp_path: Path) -> None:
    heading = "What should a weak phone train?"
    shape = RunShape(profiles=("oneplus-7t",), speakers=("us-male",), epochs=2)
    page = build_report(make_run(tmp_path / "several", shape)).read_text()
    assert heading in page
    assert "MiB free: everything (S1)" in page
    assert page.count("WER after against memory") == 2  # caption and title
    alone = replace(shape, sub_models=("S1",))
    assert heading not in build_report(make_run(tmp_path / "alone", alone)).read_text()
