"""The page of early exits: arithmetic, curves, claims, and what cannot be said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from harness.memory.conformer import EARLY_EXIT, SPLITFORMER
from harness.paper.files import write
from harness.paper.given import Given
from harness.paper.make import sections
from harness.paper.measure import Source
from harness.paper.sections import Section
from harness.paper.systems.early_exit import SYSTEM
from harness.paper.systems.early_exit.recipes import ADDED, JOINT, PLAIN, SINGLE
from harness.report.load import load_run
from tests.fixtures.exits_run import EXITS, make_exits_run

RUN = "answers"
COST = "cost"
# as the page will be drawn from runs: every item of its run
ITEMS = {
    replace(item, experiment=COST if item.key in ("cost", "energy") else RUN): make
    for item, make in SYSTEM.makers.items()
}
DRAWN = replace(SYSTEM, makers=ITEMS)
GOOD = {JOINT: (0.5, 0.25, 0.05)}


def source(run: Path) -> Source:
    return Source(load_run(run), "report/index.html", {})


def page(given: Given, *keys: str) -> dict[str, Section]:
    made = sections(DRAWN, DRAWN.chosen(list(keys) or None), given)
    return {section.item.key: section for section in made}


def verdicts(section: Section) -> Mapping[str, str]:
    return {claim.says: claim.verdict for claim in section.claims}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_exits_run(tmp_path_factory.mktemp("exits"), GOOD)


def test_parameters_are_counted_to_the_last_one() -> None:
    assert EARLY_EXIT.total == 31_536_128
    assert SPLITFORMER.total == 36_683_264
    assert (EARLY_EXIT.layer, EARLY_EXIT.front, EARLY_EXIT.head) == (2_573_568, 258_560, 65_792)
    assert [EARLY_EXIT.to_run(layer) for layer in EARLY_EXIT.exits] == [
        5471488, 10618624, 15765760, 20912896, 26060032, 31207168,
    ]  # fmt: skip
    made = page(Given(), "parameters,to_run")
    cells = [c for s in made.values() for _, row in s.grids[0].rows for c in row]
    assert [cell.verdict for cell in cells] == ["equal"] * 16


def test_without_a_run_the_printed_tables_stand_and_nothing_is_claimed_of_it() -> None:
    made = page(Given())
    assert made["wer"].missing == "Nothing was run for it."
    assert set(verdicts(made["wer"]).values()) == {"cannot be said"}
    assert {claim.in_print for claim in made["wer"].claims} == {"holds"}
    printed = dict(made["wer"].grids[0].rows)["layer 12"]
    assert printed[0].printed == "5.1 / 15.1"
    assert {head.source for head in made["wer"].grids[0].heads} == {"[note]", "[page]", "[code]"}


def test_every_printed_figure_says_where_it_was_read() -> None:
    for section in page(Given()).values():
        for grid in section.grids:
            for place, head in enumerate(grid.heads):
                if any(cells[place].printed for _, cells in grid.rows):
                    assert head.source, grid.title
                    assert head.value_class in ("arithmetic", "trend", "shown")
                    assert head.source in SYSTEM.source


def test_wer_by_exit_with_intervals(run: Path) -> None:
    wer = page(Given({RUN: source(run)}), "wer")["wer"]
    ours = wer.grids[1]
    assert [name for name, _ in ours.rows] == [f"us-male, {JOINT}", f"ind-male, {JOINT}"]
    for _, cells in ours.rows:
        assert len(cells) == len(EXITS)
        known = [(c.low, c.median, c.high) for c in cells]
        assert all(low < mid < high for low, mid, high in known if low and mid and high)
        assert cells[0].median > cells[1].median > cells[2].median  # type: ignore[operator]
    assert verdicts(wer)["WER falls with depth"] == "holds"
    assert len(wer.drawings) == 1
    assert wer.conditions.endswith("heard, not trained")


@pytest.mark.parametrize(
    ("wrong", "verdict"),
    [
        ((0.05, 0.25, 0.5), "does not hold"),
        ((0.5, 0.05, 0.3), "does not hold"),  # the last is below the first, and above the second
        ((0.3, 0.3, 0.3), "cannot be said"),
    ],
)
def test_wer_that_does_not_fall(tmp_path: Path, wrong: tuple[float, ...], verdict: str) -> None:
    spoilt = source(make_exits_run(tmp_path, {JOINT: wrong}))
    assert verdicts(page(Given({RUN: spoilt}), "wer")["wer"])["WER falls with depth"] == verdict


def test_curves_are_judged_on_the_other_half(run: Path) -> None:
    made = page(Given({RUN: source(run)}), "curve,shares")
    curve, shares = made["curve"], made["shares"]
    assert len(curve.drawings) == 2
    table = dict(curve.grids[1].rows)
    last, oracle = table["always the last exit"], table["oracle, no worse than last"]
    assert last[2].median == 4
    assert oracle[1].median <= last[1].median  # type: ignore[operator]
    assert oracle[2].median < 4  # type: ignore[operator]
    assert last[2].n < 60
    assert {"entropy", "posterior", "agreement"} < set(table)
    assert table["entropy"][0].measured
    for _, cells in shares.grids[0].rows:
        assert sum(cell.median or 0 for cell in cells) == pytest.approx(100)
    # both values say the same of an utterance here: neither can be the worse
    assert verdicts(curve)["The posterior is at least as good as the entropy in the middle"] == (
        "holds"
    )


def compared(path: Path, models: Mapping[str, tuple[float, ...]]) -> set[str]:
    """Return the verdicts on claims that compare trainings."""
    wer = page(Given({RUN: source(make_exits_run(path, models))}), "wer")["wer"]
    return {verdict for says, verdict in verdicts(wer).items() if "falls" not in says}


def test_trainings_are_compared_at_equal_depth(tmp_path: Path) -> None:
    models = {
        JOINT: (0.5, 0.2, 0.05),
        SINGLE["first"]: (0.2, 0.9, 0.9),
        SINGLE["last"]: (0.9, 0.9, 0.2),
        ADDED: (0.6, 0.5, 0.45),
    }
    assert SINGLE["last"] == PLAIN
    assert compared(tmp_path / "one", models) == {"holds"}
    other = {**models, ADDED: (0.6, 0.5, 0.05), JOINT: (0.1, 0.2, 0.4)}
    assert compared(tmp_path / "other", other) == {"does not hold"}


def test_exits_that_were_not_trained_say_nothing(tmp_path: Path) -> None:
    models = {JOINT: (0.5, 0.2, 0.05), SINGLE["first"]: (0.2, 0.9, 0.9), PLAIN: (0.9, 0.9, 0.2)}
    made = page(Given({RUN: source(make_exits_run(tmp_path, models))}), "wer,curve,shares")
    measured = {
        name: [cell.median is not None for cell in cells]
        for name, cells in made["wer"].grids[1].rows
    }
    assert measured[f"us-male, {JOINT}"] == [True, True, True]
    assert measured[f"us-male, {SINGLE['first']}"] == [True, False, False]
    assert measured[f"us-male, {PLAIN}"] == [False, False, True]
    assert verdicts(made["wer"])["WER falls with depth"] == "holds"
    drawn = made["wer"].drawings[0].svg
    assert all(f">us-male, {word}<" in drawn for word in ("joint", "first", "last"))
    assert len(made["curve"].drawings) == 2  # one a speaker, of the one network with all its exits
    told = {name for name, _ in made["shares"].grids[0].rows}
    assert told
    assert not any(SINGLE["first"] in name or PLAIN in name for name in told)


def test_cost_is_of_jobs_that_leave_at_one_exit(tmp_path: Path) -> None:
    at_first = source(make_exits_run(tmp_path, GOOD, leave_at=(0,)))
    cost = page(Given({COST: at_first}), "cost")["cost"]
    ((name, cells),) = cost.grids[0].rows
    assert name == f"{JOINT}, exit1 (layer 2)"
    assert cells[0].measured == "100"
    assert cells[1].median
    assert verdicts(cost)["Seconds grow with depth"] == "cannot be said"


@pytest.mark.parametrize(
    ("seconds", "verdict"), [((0.1, 0.2, 0.3), "holds"), ((0.1, 0.3, 0.3), "does not hold")]
)
def test_seconds_are_compared_from_exit_to_exit(
    tmp_path: Path, seconds: tuple[float, ...], verdict: str
) -> None:
    runs = source(make_exits_run(tmp_path, GOOD, leave_at=(2, 0, 1), seconds=seconds))
    cost = page(Given({COST: runs}), "cost")["cost"]
    assert len(cost.grids[0].rows) == 3
    assert verdicts(cost)["Seconds grow with depth"] == verdict


def test_a_virtual_battery_says_nothing(tmp_path: Path) -> None:
    virtual = make_exits_run(tmp_path / "virtual", GOOD, leave_at=(0,), origin="virtual")
    energy = page(Given({COST: source(virtual)}), "energy")["energy"]
    assert "virtual phone" in energy.missing
    assert not energy.grids
    device = make_exits_run(tmp_path / "device", GOOD, leave_at=(0,))
    energy = page(Given({COST: source(device)}), "energy")["energy"]
    ((_, (cell,)),) = energy.grids[0].rows
    assert cell.median > 0  # type: ignore[operator]


def test_a_damaged_file_costs_its_own_sections_only(tmp_path: Path) -> None:
    run = make_exits_run(tmp_path, GOOD)
    next(run.rglob("exits.jsonl")).write_text("{\n", encoding="utf-8")
    made = page(Given({RUN: source(run)}))
    assert made["wer"].failed
    assert "damaged" in made["wer"].missing
    assert not made["parameters"].failed


def test_the_page_is_written_with_its_files(run: Path, tmp_path: Path) -> None:
    made = list(page(Given({RUN: source(run)})).values())
    written = write(SYSTEM, made, tmp_path, "quick")
    text = written.page.read_text(encoding="utf-8")
    assert "<title>Early exits, regenerated</title>" in text
    assert "MobileASR" not in text
    assert "<dt>shown</dt>" in text
    names = {path.name for path in written.files}
    assert {"wer.svg", "wer.pdf", "wer.csv", "wer.tex", "claims.csv"} <= names
