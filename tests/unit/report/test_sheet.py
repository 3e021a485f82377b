import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.figures.lines import simplified
from harness.report.figures.sheet import DASHED, Sheet

HOSTILE = '<script>alert("1")</script> & $x_2$ it\'s ü 漢'


def sheet(text: str = HOSTILE) -> Sheet:
    one = Sheet(200, 100)
    one.line([10, 90, 150], [10, 50, float("nan")], "s1", dash=DASHED, clip=(0, 0, 60, 90))
    one.marks([20, 40], [20, 30], "s8", "^", halo=1)
    one.area([[(0, 0), (10, 0), (10, 10)], [(20, 0), (30, 0), (30, 10)]], "phase-train", alpha=0.5)
    one.text(5, 90, text, "soft", anchor="center", size=14)
    return one


def draw(name: str = "fig", text: str = HOSTILE) -> str:
    return str(sheet(text).svg(name, "A title", "What it shows"))


def corners(path: str) -> list[tuple[float, float]]:
    """Follow a path of M, l, h, v."""
    found: list[tuple[float, float]] = []
    x = y = 0.0
    for letter, text in re.findall(r"([Mlhvz])([^Mlhvz]*)", path):
        numbers = [float(one) for one in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", text)]
        while numbers:
            if letter == "M":
                x, y = numbers.pop(0), numbers.pop(0)
            elif letter == "l":
                x, y = x + numbers.pop(0), y + numbers.pop(0)
            elif letter == "h":
                x += numbers.pop(0)
            elif letter == "v":
                y += numbers.pop(0)
            found.append((round(x, 6), round(y, 6)))
    return found


def path_of(one: Sheet) -> str:
    tree = ET.fromstring(str(one.svg("f", "t", "d")))
    return next(tree.iter("path")).get("d") or ""


def test_text_stays_text_and_is_escaped() -> None:
    svg = draw()
    tree = ET.fromstring(svg)
    assert [one.text for one in tree.iter("text")] == [HOSTILE]
    assert "<script" not in svg


def test_hostile_titles_are_escaped_and_control_characters_gone() -> None:
    svg = str(sheet("x").svg("fig", "</title><script>", "a\x00b\x1b"))
    tree = ET.fromstring(svg)
    assert [one.text for one in tree.iter("title")] == ["</title><script>"]
    assert [one.text for one in tree.iter("desc")] == ["a�b�"]


def test_it_says_what_it_is_to_those_who_listen() -> None:
    tree = ET.fromstring(draw("strip-a1"))
    assert tree.get("role") == "img"
    named = {one.get("id"): one.text for one in tree.iter() if one.get("id")}
    told = [named[key] for key in (tree.get("aria-labelledby") or "").split()]
    assert told == ["A title", "What it shows"]


def test_ids_carry_the_figures_name_and_references_lead_somewhere() -> None:
    svg = draw("strip-a1")
    ids = re.findall(r'\sid="([^"]+)"', svg)
    assert len(ids) == len(set(ids)) > 2
    assert all(one.startswith("strip-a1-") for one in ids)
    referenced = set(re.findall(r"url\(#([^)]+)\)", svg))
    assert referenced
    assert referenced <= set(ids)


def test_what_stays_inside_is_not_clipped() -> None:
    one = Sheet(100, 100)
    one.line([1, 9], [1, 9], "s1", clip=(0, 0, 10, 10))
    assert "clip" not in str(one.svg("f", "t", "d"))


def test_colours_are_variables_and_no_style_reaches_the_page() -> None:
    svg = draw()
    assert "var(--s8)" in svg
    assert "var(--phase-train)" in svg
    assert not re.search(r"#[0-9a-f]{6}", svg)
    assert "<style" not in svg
    assert "http" not in svg


def test_marks_in_the_colour_of_text_keep_it() -> None:
    # black is SVG's own default, and what is left out would be black in the dark
    one = Sheet(50, 50)
    one.marks([10], [10], "ink", "^")
    one.text(5, 40, "x")
    tree = ET.fromstring(str(one.svg("fig", "t", "d")))
    assert next(tree.iter("path")).get("style") == "fill:var(--ink)"
    assert next(tree.iter("text")).get("style") is None


def test_the_same_figure_is_the_same_bytes() -> None:
    assert draw() == draw()


def test_nothing_undrawn_is_kept() -> None:
    one = Sheet(50, 50)
    one.line([1, 2], [float("nan"), float("nan")], "s1")
    one.marks([], [], "s1", "o")
    assert "<path" not in str(one.svg("empty", "t", "d"))


def test_unknown_values_break_a_line() -> None:
    one = Sheet(50, 50)
    one.line([1, 2, 3, 4, 5], [1, 2, float("nan"), 4, 6], "s1")
    assert path_of(one).count("M") == 2


NUMBERS = st.lists(st.tuples(st.floats(-500, 500), st.floats(-500, 500)), min_size=2, max_size=30)


@given(NUMBERS, st.sampled_from([1, 2]))
def test_a_path_goes_where_it_was_told(places: list[tuple[float, float]], digits: int) -> None:
    one = Sheet(50, 50, digits)
    one.line([x for x, _ in places], [y for _, y in places], "s1")
    drawn = corners(path_of(one))
    half = 0.5 * 10**-digits + 1e-6
    assert np.abs(np.subtract(drawn[0], places[0])).max() <= half
    assert np.abs(np.subtract(drawn[-1], places[-1])).max() <= half
    # rounding never adds up: the farthest corners are where they should be
    for axis in (0, 1):
        assert abs(max(c[axis] for c in drawn) - max(p[axis] for p in places)) <= half
        assert abs(min(c[axis] for c in drawn) - min(p[axis] for p in places)) <= half


@pytest.mark.parametrize("digits", [0, 1])
def test_corners_on_a_straight_line_are_left_out(digits: int) -> None:
    one = Sheet(50, 50, digits)
    one.line(range(10), [5.0] * 10, "s1")
    assert path_of(one) == "M0 5h9"


@given(NUMBERS)
def test_a_simplified_line_keeps_its_peaks(places: list[tuple[float, float]]) -> None:
    line = np.array(sorted(places))
    less = simplified(line, 1.5)
    assert less[0].tolist() == line[0].tolist()
    assert less[-1].tolist() == line[-1].tolist()
    assert less[:, 1].max() >= line[:, 1].max() - 1.5 - 1e-9
    assert less[:, 1].min() <= line[:, 1].min() + 1.5 + 1e-9
