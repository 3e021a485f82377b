"""Systems: a folder each, their claims judged by rules of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import InputError
from harness.paper import systems
from harness.paper.claims import Book
from harness.paper.given import Given
from harness.paper.make import sections
from harness.paper.systems import load_system, system_names

ADDED = """
from pathlib import Path

from harness.paper.claims import Book
from harness.paper.given import section_of
from harness.paper.items import Item
from harness.paper.measure import Figure
from harness.paper.published import load_measured
from harness.paper.system import System
from harness.report.numbers import Spread

HERE = Path(__file__).parent


def sizes(item, given):
    says = load_measured(HERE / "published.yaml").measured[item.key]
    ours = {("all", "millions"): Figure(Spread(31.54, 31.54, 31.54, 1))}
    return section_of(item, says, ours)


SYSTEM = System(
    "added-one", "An added one", "nowhere", {}, (), {Item("sizes", "Sizes"): sizes},
    Book(HERE / "claims.yaml"),
)
"""
PUBLISHED = """
version: 1
paper: nowhere
measured:
  sizes:
    at: nowhere
    what: Sizes
    columns: [{key: millions, label: Millions, digits: 2, class: arithmetic, source: "[page]"}]
    rows: [{name: all, printed: {millions: "PRINTED"}}]
"""
CLAIMS = """
version: 1
claims:
  - {item: sizes, at: nowhere, quote: it is large, says: Large, in_print: holds, why: so it is}
"""


@pytest.mark.parametrize(("printed", "verdict"), [("31.5", "equal"), ("31.6", "differs")])
def test_a_folder_is_all_that_a_system_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str, verdict: str
) -> None:
    name = f"added_{verdict}"  # Python keeps modules that it has imported
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").write_text(ADDED)
    (folder / "published.yaml").write_text(PUBLISHED.replace("PRINTED", printed))
    (folder / "claims.yaml").write_text(CLAIMS)
    monkeypatch.setattr(systems, "__path__", [*systems.__path__, str(tmp_path)])
    assert f"added-{verdict}" in system_names()
    system = load_system(f"added-{verdict}")
    (section,) = sections(system, system.chosen(None), Given())
    ((_, (cell,)),) = section.grids[0].rows
    assert (cell.measured, cell.verdict) == (printed if verdict == "equal" else "31.5", verdict)
    assert section.grids[0].heads[0].source == "[page]"
    assert [(claim.says, claim.in_print) for claim in section.claims] == [("Large", "holds")]


def test_a_system_that_there_is_not_is_told_with_those_that_there_are() -> None:
    with pytest.raises(InputError, match="no system 'elsewhere'") as caught:
        load_system("elsewhere")
    assert "mobileasr" in str(caught.value.hint)


@pytest.mark.parametrize("name", system_names())
def test_every_system_is_whole(name: str) -> None:
    system = load_system(name)
    assert system.name == name
    keys = {item.key for item in system.items}
    assert len(keys) == len(system.items)
    assert {stated.item for stated in system.claims.stated} <= keys
    runs = {experiment.key for experiment in system.experiments}
    assert {item.experiment for item in system.items if item.experiment} == runs
    assert set(system.scales) == {"quick", "full"}
    assert all(experiment.scenario.is_file() for experiment in system.experiments)


def test_a_rule_that_there_is_not_is_bad_input(tmp_path: Path) -> None:
    file = tmp_path / "claims.yaml"
    file.write_text("version: 1\nclaims: [{item: a, at: b, quote: c, says: d, rule: grows}]\n")
    with pytest.raises(InputError, match="no rule 'grows'") as caught:
        _ = Book(file, {"falls": lambda _: ("holds", "")}).stated
    assert "claims[0].rule" in str(caught.value.where)
