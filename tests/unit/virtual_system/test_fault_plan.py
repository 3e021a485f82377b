"""Plans of faults: what is taken, what is refused, and what an entry comes to."""

import re
from pathlib import Path

import pytest

from harness.errors import InputError
from harness.virtual.fault_plan import parse_fault, read_plan
from harness.virtual.faults import FaultError

DOCS = Path(__file__).parents[3] / "docs/virtual_phones.md"


def _plan(folder: Path, text: str) -> Path:
    path = folder / "faults.yaml"
    path.write_text(text)
    return path


def test_the_documents_example_and_table_name_what_is_there(tmp_path: Path) -> None:
    text = DOCS.read_text()
    example = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert example
    plan = read_plan(_plan(tmp_path, example[1]))
    assert len(plan.faults) == 6
    table = text[text.index("| fault | values") : text.index("At run time:")]
    named = set(
        re.findall(r"`([a-z_]+)`", "".join(row.split("|")[1] for row in table.splitlines() if row))
    )
    with pytest.raises(FaultError) as caught:
        parse_fault({"fault": "?"})
    known = set(re.findall(r"'([a-z_]+)'", str(caught.value))) - {"fault"}
    assert named == known


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("faults: []", "faults"),
        ("faults:\n  - {fault: earthquake}", "earthquake"),
        ("faults:\n  - {fault: offline, at_s: -1}", "at_s"),
        ("faults:\n  - {fault: offline, for: 3}", "for"),
        ("faults:\n  - {fault: slow_shell}", "seconds"),
        ("faults:\n  - {fault: lmkd_kill, after: breakfast}", "after"),
        ("faults:\n  - {fault: hang_service, service: 'a b'}", "service"),
        ("surprises: []", "surprises"),
    ],
)
def test_a_bad_plan_is_one_error_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_plan(_plan(tmp_path, text))
    assert words in str(caught.value)
    assert "faults.yaml:" in str(caught.value)


def test_what_begins_and_what_takes_it_back() -> None:
    offline = parse_fault({"fault": "offline", "for_s": 3})
    assert offline.begin() == {"do": "silent", "on": True}
    assert offline.end() == {"do": "silent", "on": False}
    cable = parse_fault({"fault": "disconnect", "for_s": 3})
    assert cable.begin() == {"do": "lose_cable", "seconds": 3}
    assert cable.end() is None
    hung = parse_fault({"fault": "hang_service", "service": "battery"})
    assert hung.begin() == {"do": "hang_service", "service": "battery", "on": True}
    full = parse_fault({"fault": "storage_full"})
    assert full.begin() == {"do": "disk_full", "bytes": 0}
    assert full.end() == {"do": "disk_full", "off": True}
    jump = parse_fault({"fault": "clock_jump", "seconds": -3600})
    assert jump.begin() == {"do": "clock_jump", "seconds": -3600}
