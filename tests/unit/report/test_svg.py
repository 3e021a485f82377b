import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import pytest

from harness.report.figures.sheet import DASHED, Sheet
from harness.report.style import ROLES, drawing
from harness.report.svg import page_svg

HOSTILE = '<script>alert("1")</script> & $x_2$ it\'s ü 漢'


@pytest.fixture(autouse=True)
def _settings() -> Iterator[None]:
    with drawing():
        yield


def sheet(text: str = HOSTILE) -> Sheet:
    one = Sheet(200, 100)
    one.line([10, 90, 150], [10, 50, float("nan")], "s1", dash=DASHED, clip=(0, 0, 120, 90))
    one.marks([20, 40], [20, 30], "s8", "^", halo=1)
    one.area([[(0, 0), (10, 0), (10, 10)], [(20, 0), (30, 0), (30, 10)]], "phase-train", alpha=0.5)
    one.text(5, 90, text, "soft", anchor="center", size=14)
    return one


def draw(name: str = "fig", text: str = HOSTILE) -> str:
    return str(sheet(text).svg(name, "A title", "What it shows"))


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
    referenced = set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', svg))
    assert referenced
    assert {one or other for one, other in referenced} <= set(ids)


def test_two_figures_share_no_id() -> None:
    one, other = (set(re.findall(r'\sid="([^"]+)"', draw(name))) for name in ("a", "b"))
    assert one
    assert not one & other


def test_colours_are_variables_and_no_style_reaches_the_page() -> None:
    svg = draw()
    assert "var(--s1)" in svg
    assert "var(--phase-train)" in svg
    assert not re.search("|".join(ROLES), svg)
    assert "#f1" not in svg
    assert "<style" not in svg
    assert "DejaVu" not in svg
    assert "http" not in svg


def test_marks_in_the_colour_of_text_keep_it() -> None:
    # black is SVG's own default, and what is left out would be black in the dark
    one = Sheet(50, 50)
    one.marks([10], [10], "ink", "^")
    one.text(5, 40, "x")
    tree = ET.fromstring(str(one.svg("fig", "t", "d")))
    assert "fill:var(--ink)" in ET.tostring(next(tree.iter("use")), encoding="unicode")
    assert next(tree.iter("text")).get("style") is None


def test_a_name_with_a_stand_in_colour_is_left_alone() -> None:
    colour = next(iter(ROLES))
    assert colour in draw(text=f"colour {colour}")


def test_the_same_figure_is_the_same_bytes() -> None:
    assert draw() == draw()


def test_numbers_are_short() -> None:
    for number in re.findall(r"\d+\.\d+", draw(text="x")):
        assert len(number.split(".")[1]) <= 2


def test_nothing_undrawn_is_kept() -> None:
    from matplotlib.figure import Figure

    svg = str(page_svg(Figure(figsize=(1, 1)), "empty", "t", "d"))
    assert "<path" not in svg
    assert "<g" not in svg
