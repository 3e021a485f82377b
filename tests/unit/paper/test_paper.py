"""The paper beside made-up runs: what is equal, what holds, what is missing."""

import csv
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from harness.errors import InputError
from harness.memory.published import load_published
from harness.paper.files import render, write
from harness.paper.given import Given
from harness.paper.items import Experiment, Scale
from harness.paper.latex import escaped, latex
from harness.paper.make import sections
from harness.paper.measure import READERS, Source
from harness.paper.published import measured_of
from harness.paper.sections import Cell, Grid, Head, Section
from harness.paper.systems.mobileasr import SYSTEM
from harness.report.figures.sheet import Drawn
from harness.report.load import load_run
from harness.results.model import AttemptResult
from harness.scenario import expand_jobs, load_scenario
from harness.scenario.paths import get_path
from tests.fixtures.report_run import RunShape, make_run

EXPERIMENTS = {experiment.key: experiment for experiment in SYSTEM.experiments}
ARITHMETIC = ("table4", "table5", "table9")


def source(path: Path, rates: dict[float, float] | None = None) -> Source:
    return Source(load_run(path), "runs/x/report/index.html", rates or {})


def one(section: Sequence[Section], key: str) -> Section:
    return next(found for found in section if found.item.key == key)


@pytest.fixture(scope="module")
def batches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shape = RunShape(
        profiles=("oneplus-7t",), speakers=("us-male",), sub_models=("S1",),
        batch_sizes=(1, 2, 5, 10), epochs=2,
    )  # fmt: skip
    return make_run(tmp_path_factory.mktemp("batches"), shape)


@pytest.fixture(scope="module")
def speakers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shape = RunShape(
        profiles=("oneplus-7t",), sub_models=("S1",), rounds=2, epochs=4,
        speakers=("us-male", "us-female", "uk-female", "ind-male"),
    )  # fmt: skip
    return make_run(tmp_path_factory.mktemp("speakers"), shape)


@pytest.fixture(scope="module")
def given(batches: Path, speakers: Path) -> Given:
    return Given(
        {"table2": source(batches), "figure2": source(batches), "figure4": source(speakers)},
        {"figure5": "no recordings"},
        {"us-male": [2.0, 4.0]},
    )


@pytest.fixture(scope="module")
def made(given: Given) -> list[Section]:
    return sections(SYSTEM, SYSTEM.chosen(None), given)


# -- what is asked for ----------------------------------------------------------------------------


@pytest.mark.parametrize("scale", ["quick", "full"])
@pytest.mark.parametrize("experiment", SYSTEM.experiments, ids=lambda one: one.key)
def test_every_scenario_loads_at_both_scales(experiment: Experiment, scale: Scale) -> None:
    loaded = load_scenario(experiment.scenario, experiment.overrides(scale))
    jobs = expand_jobs(loaded, ())
    small = "ds2-mini-people" if experiment.takes_recordings else "ds2-mini"
    assert {job.content.model.name for job in jobs} == {small if scale == "quick" else "ds2"}


@pytest.mark.parametrize("key", ["table1", "table2", "table3"])
@pytest.mark.parametrize("scale", ["quick", "full"])
def test_every_row_is_about_its_own_jobs(key: str, scale: Scale) -> None:
    experiment = EXPERIMENTS[key]
    jobs = expand_jobs(load_scenario(experiment.scenario, experiment.overrides(scale)), ())
    rates = dict(experiment.rates) if scale == "quick" else {}
    seen: list[str] = []
    for row in measured_of(load_published(), key).rows:
        wanted = {path: rates.get(value, value) for path, value in row.where.items()}
        found = [
            job
            for job in jobs
            if all(get_path(job.content.model_dump(), p) == v for p, v in wanted.items())
        ]
        assert len(found) == jobs[-1].repeat, row.name
        seen += [job.job_id for job in found]
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("key", [item.key for item in SYSTEM.items if item.key not in ARITHMETIC])
def test_what_is_printed_is_said_in_full(key: str) -> None:
    says = measured_of(load_published(), key)
    names = [row.name for row in says.rows]
    columns = {column.key: column for column in says.columns}
    assert len(set(names)) == len(names)
    for row in says.rows:
        assert set(row.printed) <= set(columns)
    for note in says.notes:
        assert set(note.rows) <= set(names), note.text
        assert set(note.columns) <= set(columns), note.text


def test_columns_of_sweeps_can_be_read() -> None:
    for key in ("table1", "table2", "table3"):
        assert {c.key for c in measured_of(load_published(), key).columns} <= set(READERS)


def test_items_are_chosen_in_the_papers_order() -> None:
    assert [item.key for item in SYSTEM.chosen(["figure3", "table2,table9"])] == [
        "table2", "table9", "figure3",
    ]  # fmt: skip
    assert len(SYSTEM.chosen(None)) == 13
    assert [e.key for e in SYSTEM.experiments_of(SYSTEM.chosen(["figure3,figure4,table6"]))] == [
        "figure4"
    ]
    with pytest.raises(InputError, match="table10"):
        SYSTEM.chosen(["table10"])


# -- what comes out -------------------------------------------------------------------------------


def test_arithmetic_is_equal_and_its_contradictions_are_footnotes(made: list[Section]) -> None:
    for key in ARITHMETIC:
        verdicts = [c.verdict for g in one(made, key).grids for _, row in g.rows for c in row]
        assert "differs" not in verdicts
        assert "equal" in verdicts or key == "table9"
        assert one(made, key).notes
    assert [len(grid.rows) for grid in one(made, "table1").grids] == [8, 8]


def test_trends_are_judged_by_what_was_measured(made: list[Section]) -> None:
    found = {claim.says: claim.verdict for claim in one(made, "table2").claims}
    assert found == {
        "The model file grows with the batch": "cannot be said",
        "More memory with larger batches": "holds",
        "Batches of 10 take 96 % of the RAM that was available": "not compared",
        "Less time with larger batches": "holds",
    }


def test_a_trend_that_does_not_hold_is_marked(tmp_path: Path) -> None:
    def level(result: AttemptResult) -> AttemptResult:
        return result.model_copy(update={"minutes_per_epoch": float(result.batch_size)})

    shape = RunShape(
        profiles=("oneplus-7t",), speakers=("us-male",), sub_models=("S1",),
        batch_sizes=(1, 2, 5), epochs=1, spoil=level,
    )  # fmt: skip
    found = sections(
        SYSTEM, SYSTEM.chosen(["table2"]), Given({"table2": source(make_run(tmp_path, shape))})
    )
    verdicts = {claim.says: claim.verdict for claim in found[0].claims}
    # B 10 never ran: nothing is judged without it
    assert set(verdicts.values()) == {"cannot be said", "not compared"}
    assert "B 10" in found[0].claims[0].evidence


def test_time_is_judged_by_the_least_of_the_repeats(tmp_path: Path) -> None:
    def disturbed(result: AttemptResult) -> AttemptResult:
        minutes = 1 / result.batch_size + (9 if result.repeat > 1 else 0) * result.batch_size
        return result.model_copy(update={"minutes_per_epoch": minutes})

    shape = RunShape(
        profiles=("oneplus-7t",), speakers=("us-male",), sub_models=("S1",), repeats=3,
        batch_sizes=(1, 2, 5, 10), epochs=1, spoil=disturbed,
    )  # fmt: skip
    (found,) = sections(
        SYSTEM, SYSTEM.chosen(["table2"]), Given({"table2": source(make_run(tmp_path, shape))})
    )
    (time,) = (claim for claim in found.claims if claim.says.startswith("Less time"))
    assert time.verdict == "holds"
    assert "the least of 3: B 1 → 1; B 2 → 0.5" in time.evidence
    cell = dict(found.grids[0].rows)["B 2"][3]
    assert (cell.measured, cell.span) == ("18.500", "0.500 to 18.500")
    assert found.grids[0].several
    assert len(cell.links) == 3


def test_a_section_says_with_what_it_was_measured(made: list[Section]) -> None:
    assert one(made, "figure4").conditions == one(made, "figure3").conditions
    told = one(made, "table2").conditions
    assert "batches of 1, 2, 5 and 10" in told
    assert "WER before training" in told
    assert one(made, "table5").conditions == one(made, "figure5").conditions == ""


def test_measured_figures_lead_to_their_attempts(made: list[Section], batches: Path) -> None:
    (grid,) = one(made, "table2").grids
    rows = dict(grid.rows)
    minutes = rows["B 5"][3]
    (attempt,) = [a for a in load_run(batches).final if a.result.batch_size == 5]
    assert minutes.printed == "22"
    assert minutes.median == attempt.result.minutes_per_epoch
    assert minutes.links == (f"runs/x/report/index.html#{attempt.key}",)


def test_a_quick_runs_rates_stand_for_the_papers(tmp_path: Path) -> None:
    shape = RunShape(
        profiles=("oneplus-7t",), speakers=("us-male",), epochs=2,
        learning_rates=(5e-4, 5e-5),
    )  # fmt: skip

    def forced(result: AttemptResult) -> AttemptResult:
        chosen_one = result.selection.sub_model if result.selection else None
        return result.model_copy(update={"kept_epoch": 2 if chosen_one == "S8" else 1})

    run = make_run(tmp_path, replace(shape, spoil=forced))
    rates = dict(EXPERIMENTS["table3"].rates)
    (found,) = sections(SYSTEM, SYSTEM.chosen(["table3"]), Given({"table3": source(run, rates)}))
    rows = dict(found.grids[0].rows)
    assert rows["10e-5, S8"][1].measured == "2"
    assert rows["10e-6, S1"][1].measured == "1"
    (unmapped,) = sections(SYSTEM, SYSTEM.chosen(["table3"]), Given({"table3": source(run)}))
    assert dict(unmapped.grids[0].rows)["10e-5, S8"][1].measured == ""


def test_figures_are_drawn_and_judged(made: list[Section]) -> None:
    assert [d.name for d in one(made, "figure2").drawings] == ["figure2"]
    assert len(one(made, "figure3").drawings) == 1
    assert [d.name for d in one(made, "figure4").drawings] == [
        f"figure4-{who}" for who in ("us-male", "us-female", "uk-female", "ind-male")
    ]
    (by_epoch,) = one(made, "figure4").grids
    assert len(by_epoch.rows) == 8
    name, cells = by_epoch.rows[0]
    assert name == "us-male, round 1"
    assert [head.label for head in by_epoch.heads][-2:] == ["Epoch 4", "Epoch kept"]
    assert cells[0].median is not None
    assert cells[int(cells[-1].measured)].median == min(c.median or 0 for c in cells[:-1])
    panel = str(one(made, "figure4").drawings[0].svg)
    assert "round 2" in panel
    assert "stroke-dasharray" in panel


def test_what_was_not_run_says_why_and_shows_the_page(made: list[Section]) -> None:
    figure5 = one(made, "figure5")
    assert figure5.missing == "no recordings"
    assert [claim.verdict for claim in figure5.claims] == ["cannot be said"]
    assert dict(figure5.grids[0].rows)["male"][0].printed == "8"
    assert one(made, "table3").missing == "Nothing was run for it."


def test_recorded_speakers_with_how_sure_each_rate_is(speakers: Path) -> None:
    made = sections(SYSTEM, SYSTEM.chosen(["figure5"]), Given({"figure5": source(speakers)}))
    (figure5,) = made
    printed, ours, by_epoch = figure5.grids
    assert dict(printed.rows)["male"][0].printed == "8"
    rows = dict(ours.rows)
    assert list(rows) == ["us-male", "us-female", "uk-female", "ind-male"]
    accent, kept, before, after, change, errors = rows["ind-male"]
    assert (accent.measured, before.median) == ("IND", 58.4)
    assert int(kept.measured) > 0
    assert after.median is not None
    assert change.measured == f"−{58.4 - after.median:.1f}"
    assert "–" in after.measured
    assert errors.measured.startswith("S")
    assert len(by_epoch.rows) == 8
    assert len(figure5.drawings) == 4
    assert figure5.claims[0].verdict == "holds"


def test_speech_and_phones_stand_beside_the_paper(made: list[Section]) -> None:
    assert dict(one(made, "table6").grids[0].rows)["us-male"][0].measured == "3.00"
    phones = dict(one(made, "table8").grids[0].rows)
    assert [cell.measured for cell in phones["OnePlus 7T"]] == ["4.5", "8", "2.96"]


# -- files ----------------------------------------------------------------------------------------


def test_files_of_every_kind(made: list[Section], tmp_path: Path) -> None:
    # drawing PDFs takes matplotlib a while: one figure stands for all
    some = [one(made, key) for key in ("table2", "table5", "figure3")]
    written = write(SYSTEM, some, tmp_path, "quick")
    assert written.page.is_file()
    assert all(path.stat().st_size > 100 for path in written.files)
    rows = list(csv.DictReader((tmp_path / "csv" / "table2.csv").open()))
    assert len(rows) == 20
    assert {row["class"] for row in rows} == {"trend", "not_comparable"}
    for path in (tmp_path / "figures").glob("*.svg"):
        text = path.read_text(encoding="utf-8")
        assert "var(" not in text
        assert ET.fromstring(text.encode()).tag.endswith("svg")
    for path in (tmp_path / "figures").glob("*.pdf"):
        assert path.read_bytes().startswith(b"%PDF")
    page = written.page.read_text(encoding="utf-8")
    for href in re.findall(r'href="((?:csv|latex|figures)/[^"]+)"', page):
        assert (tmp_path / href).is_file(), href


def test_latex_escapes() -> None:
    assert escaped("a_b & 50 % {x} \\ #1 ~ →\N{NO-BREAK SPACE}λ") == (
        r"a\_b \& 50 \% \{x\} \textbackslash{} \#1 \textasciitilde{} $\rightarrow$~$\lambda$"
    )


@pytest.mark.parametrize("key", [item.key for item in SYSTEM.items])
def test_latex_would_compile(made: list[Section], key: str) -> None:
    """What pdflatex stops at: braces, specials that are not escaped, cells beyond the columns."""
    text = latex(one(made, key)).split("\n", 1)[1]
    assert text.isascii()
    marks = re.findall(r"(?<!footnotesize)\\textsuperscript\{([\d,]+)", text)
    notes = re.findall(r"footnotesize\\textsuperscript\{(\d+)", text)
    assert set(",".join(marks).split(",")) - {""} == set(notes)
    assert not re.search(r"(?<!\\)[%#_^]", text)
    bare = re.sub(r"\\[{}\\&%#_$]", "", text)
    depth = 0
    for character in bare:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    assert bare.count("$") % 2 == 0
    tables = text.split(r"\begin{table}")[1:]
    assert len(tables) == len(one(made, key).grids)
    for table in tables:
        (columns,) = re.findall(r"\\begin\{tabular\}\{(\w+)\}", table)
        begun, ended = (re.findall(rf"\\{word}\{{(\w+)\}}", table) for word in ("begin", "end"))
        assert (begun, ended) == (["tabular"], ["tabular", "table"])
        rows = [line for line in table.splitlines() if line.endswith(r"\\")]
        assert len(rows) > 1
        for line in rows:
            spans = sum(int(n) - 1 for n in re.findall(r"\\multicolumn\{(\d+)\}", line))
            assert len(re.findall(r"(?<!\\)&", line)) + spans == len(columns) - 1


def test_a_column_shows_what_there_is() -> None:
    heads = (Head("WER", "trend"), Head("Hours", "trend"), Head("Epochs", "trend"))
    cells = (Cell("1", "2"), Cell("960"), Cell(measured="3"))
    assert Grid("", heads, (("row", cells),)).kinds == (
        ("printed", "measured"), ("printed",), ("measured",),
    )  # fmt: skip


def test_footnotes_stand_at_their_cells(made: list[Section]) -> None:
    page = render(SYSTEM, made, "quick")
    leads = re.findall(r'<sup><a href="#(\w+-n\d+)"', page)
    there = re.findall(r'<li id="(\w+-n\d+)"', page)
    assert {*leads} <= {*there}
    assert len(there) == len({*there}) == sum(len(section.notes) for section in made)
    table1 = one(made, "table1")
    counted, measured = table1.grids
    unreached = [c for _, row in counted.rows for c in row if c.verdict == "not reached"]
    assert [table1.notes[mark - 1][:19] for c in unreached for mark in c.marks] == [
        "Tables 1 and 5 cont"
    ]
    (below,) = (cells[0] for name, cells in measured.rows if name == "S4")
    assert [table1.notes[mark - 1] for mark in below.marks] == ["S4 is below S2 and S3."]


def test_the_page_says_what_it_is_made_of(made: list[Section]) -> None:
    page = render(SYSTEM, made, "quick")
    assert 'class="origin trace"' in page
    assert "Not measured: no recordings" in page
    assert "Quick: the small model" in page
    # all that must be equal is counted, also what our arithmetic does not arrive at
    assert re.search(r"29 of 34 figures that must be equal are, 5 not reached\.", page)
    legend = re.findall(r"<dt[^>]*>(?:[✓✗–] )?([^<]+)</dt>", page)
    cells = [c for s in made for g in s.grids for _, row in g.rows for c in row]
    claims = [claim for section in made for claim in section.claims]
    used: set[str] = {cell.verdict for cell in cells}
    used |= {verdict for claim in claims for verdict in (claim.verdict, claim.in_print)}
    used |= {h.value_class.replace("_", " ") for s in made for g in s.grids for h in g.heads}
    assert used - {""} <= {*legend}
    assert page.index('id="figure2"') < page.index('id="claims"') < page.index('id="table1"')
    assert "{{" not in page


def test_a_figure_remembers_what_was_drawn(made: list[Section]) -> None:
    drawn: Any = one(made, "figure3").drawings[0].svg
    assert isinstance(drawn, Drawn)
    assert len(drawn.sheet.items) > 10
