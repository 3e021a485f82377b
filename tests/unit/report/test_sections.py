"""Sections of the report: each is a file and a template, found by themselves."""

from __future__ import annotations

import pkgutil

from harness.paths import data_root
from harness.report import sections as package
from harness.report.page_data import PageData
from harness.report.sections import sections


def test_each_file_is_a_section_with_a_template_of_its_own() -> None:
    modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
    keys = {section.key for section in sections()}
    assert keys == modules
    folder = data_root() / "reports" / "templates"
    assert {section.template for section in sections()} == {
        str(path.relative_to(folder)) for path in (folder / "sections").iterdir()
    }


def test_no_two_want_one_place() -> None:
    places = [section.place for section in sections()]
    assert places == sorted(set(places))


def test_a_section_without_anything_to_say_is_left_out() -> None:
    empty = PageData(())
    shown = {section.key for section in sections() if section.view(empty) is not None}
    assert {"did", "wrong", "trust"} <= shown
    assert not shown & {"map", "differ", "chosen", "more"}
