"""What a lab has written down of its phones."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.devices.book import read_book
from harness.devices.doctor import check_absent, check_phone
from harness.devices.inventory import PhoneInfo
from harness.devices.requirements import match
from harness.errors import InputError
from harness.scenario.demands import Demands


def phone(serial: str, **more: object) -> PhoneInfo:
    return PhoneInfo.model_validate(
        {
            "serial": serial,
            "adb_serial": f"usb-{serial}",
            "adb_server": "127.0.0.1:1",
            "state": "device",
            **more,
        }
    )


def written(folder: Path, text: str) -> Path:
    path = folder / "lab.yaml"
    path.write_text(text)
    return path


def test_names_tags_and_what_is_out_of_service(tmp_path: Path) -> None:
    book = read_book(
        written(
            tmp_path,
            """\
            phones:
              A: {alias: shelf-3, tags: [lab-2, new], note: bought in May}
              "0012": {out_of_service: swollen}
              usb-C: {tags: [by-its-name]}
              NOT-HERE: {}
            """,
        )
    )
    phones = [phone("A", tags=("new", "warm")), phone("0012"), phone("C"), phone("D")]
    a, b, c, d = book.applied(phones)
    assert (a.alias, a.tags, a.note, a.usable) == (
        "shelf-3",
        ("new", "warm", "lab-2"),
        "bought in May",
        True,
    )
    assert (b.state, b.advice, b.usable) == ("out of service", "swollen", False)
    assert c.tags == ("by-its-name",)
    assert d == phone("D")
    (by_wifi,) = book.applied([phone("E", also=("usb-C",))])
    assert by_wifi.tags == ("by-its-name",)
    assert match(Demands.model_validate({"serial": "shelf-3", "tags": ["lab-2"]}), a).fits
    assert not match(Demands.model_validate({"serial": "shelf-3"}), d).fits

    # doctor: one away on purpose is no problem, one that should be here is named
    assert list(book.absent(phones)) == ["NOT-HERE"]
    assert list(book.absent(phones[2:])) == ["A", "NOT-HERE"]
    (told,) = check_absent(book.absent(phones[:1] + phones[2:]))
    assert (told.scope, told.outcome) == ("NOT-HERE", "warning")
    (told,) = check_phone([], b)
    assert (told.scope, told.outcome, told.detail) == ("0012", "info", "no: swollen")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("phone: {}\n", r"lab\.yaml:1: phone: .*unknown key"),
        ("phones:\n  A: {tag: [x]}\n", r"lab\.yaml:2: phones\.A\.tag: .*unknown key"),
        ("phones:\n  A: {tags: x}\n", r"lab\.yaml:2: phones\.A\.tags"),
        ("phones:\n  A: {tags: ['a,b']}\n", r"lab\.yaml:2: phones\.A\.tags\[0\]"),
        ("phones:\n  0123: {}\n", r"lab\.yaml:2: phones\.0123: .*\n.*quotes: \"0123\""),
        ("phones:\n  A: {}\n  A: {}\n", r"lab\.yaml:3: .*twice"),
        ("phones:\n  A: {alias: x}\n  B: {alias: x}\n", r"lab\.yaml:3: phones\.B\.alias: 'x'"),
        ("phones:\n  A: {alias: B}\n  B: {}\n", r"lab\.yaml:2: phones\.A\.alias: 'B'"),
        ("phones:\n  A: {out_of_service: yes please}\n  B: {note: 3}\n", r"lab\.yaml:3: .*B\.note"),
        ("[]\n", r"lab\.yaml:1"),
    ],
)
def test_mistakes_are_told_with_their_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_book(written(tmp_path, text))


def test_the_file_is_looked_for_here_and_must_be_there_if_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_book().phones == {}
    (tmp_path / "phones.yaml").write_text("phones: {A: {tags: [x]}}\n")
    assert list(read_book().phones) == ["A"]
    with pytest.raises(InputError, match=r"other\.yaml: no such file"):
        read_book(Path("other.yaml"))
