from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from harness.report.text import clean, listed, one_line, plural


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_clean_text_fits_into_xml_and_utf8(text: str) -> None:
    element = ET.Element("a")
    element.text = clean(text)
    assert ET.fromstring(ET.tostring(element, encoding="utf-8")) is not None


def test_direction_overrides_cannot_turn_a_name_around() -> None:
    assert clean("a\u202egpj.exe") == "a�gpj.exe"
    assert clean("line\nnext\ttab") == "line\nnext\ttab"


def test_one_line_cuts_and_says_so() -> None:
    assert one_line("a  b\n c") == "a b c"
    assert one_line("x" * 50, 10) == "x" * 9 + "…"
    assert len(one_line("word " * 30, 12)) <= 12


def test_words() -> None:
    assert plural(1, "job") == "1 job"
    assert plural(2, "job") == "2 jobs"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(["a"]) == "a"
    assert listed([]) == ""
    assert listed([*"abcdefgh"], most=4) == "a, b, c and 5 more"
