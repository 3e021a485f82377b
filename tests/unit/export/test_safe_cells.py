"""No export gives a spreadsheet a formula, and no number is changed for it."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from xml.etree import ElementTree as ET

import pandas as pd
import pytest

import harness
from harness.export.frames import frames
from harness.export.safe_cells import FORMULA_STARTS, csv_text, safe_cell, safe_mapping
from harness.report.junit import junit_xml
from harness.report.load import load_run
from harness.results.model import AttemptResult
from tests.fixtures.report_run import make_run, small

FORMULA = '=HYPERLINK("http://evil","x")'
"""An accent in a table that was imported."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    def spoil(result: AttemptResult) -> AttemptResult:
        phone = result.phone.model_copy(update={"model": "@SUM(1)", "serial": "+49"})
        return result.model_copy(
            update={"accent": FORMULA, "speaker": "-2+3", "phone": phone, "notes": ("=1",)}
        )

    return make_run(tmp_path, small(spoil=spoil))


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_each_start_of_a_formula_is_made_text(start: str) -> None:
    assert safe_cell(f"{start}1") == f"'{start}1"


@pytest.mark.parametrize("value", ["a=1", "", "3 - 1", -1.5, 7, None, True])
def test_what_is_no_formula_stays_as_it_is(value: object) -> None:
    assert safe_cell(value) is value


def test_no_csv_of_a_run_has_a_formula(path: Path) -> None:
    cells: list[str] = []
    for _, frame in frames(harness.open_run(path)):
        rows = list(csv.reader(io.StringIO(csv_text(frame))))
        assert len(rows) == len(frame) + 1
        cells += [cell for row in rows for cell in row]
    assert f"'{FORMULA}" in cells
    assert "'-2+3" in cells
    starts = tuple(cell for cell in cells if cell.startswith(FORMULA_STARTS))
    assert all(_is_number(cell) for cell in starts)


def test_numbers_and_missing_ones_are_untouched() -> None:
    frame = pd.DataFrame({"=x": [-1.5, None], "name": ["-a", None], "mixed": [-2, "-2"]})
    assert csv_text(frame) == "'=x,name,mixed\n-1.5,'-a,-2\n,,'-2\n"


def test_mappings_for_other_tools_are_safe_too() -> None:
    assert safe_mapping({"speaker": "=1", "rate": -0.1}) == {"speaker": "'=1", "rate": -0.1}


def test_junit_stays_well_formed_with_such_names(path: Path) -> None:
    root = ET.fromstring(junit_xml(load_run(path), ()))
    assert len(root.findall(".//testcase")) == 1


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
