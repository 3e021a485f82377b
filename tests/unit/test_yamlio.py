"""Mistakes in YAML files are told with file, line and field."""

from pathlib import Path
from typing import Literal, Optional, Union

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from harness.errors import InputError
from harness.yamlio import LineIndex, dotted, load_yaml, parse_yaml, validate


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")
    size_mb: float
    kind: Literal["ballast", "apps"] = "ballast"


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    epochs: int = Field(3, ge=1)
    parts: list[Part] = []
    by_name: dict[str, Part] = {}
    goal: Optional[Union[Part, float]] = None  # noqa: UP007, UP045


def said(text: str) -> str:
    data, index = parse_yaml(text, "some/file.yaml")
    with pytest.raises(InputError) as caught:
        validate(Whole, data, index)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("off", "off"),
        ("no", "no"),
        ("yes", "yes"),
        ("true", True),
        ("1e-4", 1e-4),
        ("10e-5", 10e-5),
        ("10.0e-5", 10e-5),
        (".5", 0.5),
        ("010", 10),
        ("0x10", 16),
        ("0o17", 15),
        ("-3", -3),
        ("2024-01-01", "2024-01-01"),
        ("12:30:00", "12:30:00"),
        ("1_000", "1_000"),
        ("~", None),
        ("", None),
        ("'5'", "5"),
    ],
)
def test_scalars_are_what_they_look_like(text: str, value: object) -> None:
    data, _ = parse_yaml(f"key: {text}\n", "f")
    assert data == {"key": value}
    assert type(data["key"]) is type(value)


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**30), 10**30))
def test_numbers_come_back(number: float) -> None:
    assert parse_yaml(f"[{number!r}]", "f")[0] == [number]


def test_a_good_file_is_its_model() -> None:
    data, index = parse_yaml("name: a\nparts:\n  - {size_mb: 3}\ngoal: {size_mb: 1}\n", "f")
    whole = validate(Whole, data, index)
    assert whole.parts == [Part(size_mb=3)]
    assert whole.goal == Part(size_mb=1)


def test_an_unknown_key_names_its_line_and_the_nearest() -> None:
    text = said("name: a\n\nepoch: 3\n")
    assert text.splitlines()[0] == "some/file.yaml:3: epoch: unknown key 'epoch'"
    assert "did you mean 'epochs'?" in text


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("name: a\nparts:\n  - size_mb: 1\n  - size: 2\n", "some/file.yaml:4: parts[1].size"),
        ("name: a\nby_name:\n  x:\n    size: 2\n", "some/file.yaml:4: by_name.x.size"),
    ],
)
def test_an_unknown_key_inside_lists_and_mappings(text: str, place: str) -> None:
    message = said(text)
    assert place in message
    assert "did you mean 'size_mb'?" in message


def test_a_far_off_key_lists_what_is_known() -> None:
    assert "known here: by_name, epochs, goal, name, parts" in said("name: a\nqqq: 1\n")


def test_all_mistakes_at_once_in_the_order_of_the_file() -> None:
    lines = said("parts: [{size_mb: 1, kind: balast}]\nepochs: 0\nname: [1]\n").splitlines()
    assert [line.split(":")[1] for line in lines if line.strip().startswith("some/")] == [
        "1",
        "2",
        "3",
    ]
    assert "did you mean 'ballast'?" in lines[1]
    assert "(it is 0)" in "\n".join(lines)


def test_a_missing_field_is_named_where_its_mapping_stands() -> None:
    assert "some/file.yaml:3: parts[0].size_mb: is missing" in said(
        "name: a\nparts:\n  - kind: apps\n"
    )


def test_a_union_names_the_file_and_not_pydantics_branches() -> None:
    message = said("name: a\ngoal: {size_mb: x}\n")
    assert "some/file.yaml:2: goal.size_mb: " in message
    assert "goal.Part" not in message
    assert "goal.float" not in message


def test_many_mistakes_are_cut() -> None:
    keys = "".join(f"k{i}q: 1\n" for i in range(15))
    assert "... and 5 more" in said("name: a\n" + keys)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "f:3: a: this key is here twice, first on line 1"),
        ("{x: {a: 1, a: 1}}", "f:1: x.a: this key is here twice"),
        ("a: [1\nb: 2", "f:2: is not valid YAML"),
        ("a: &x [*x]", "f:1: an alias that contains itself"),
        ("? [a]\n: 1", "f:1: a key must be a word"),
        ("a: !!python/object:os.system x", "f:1: is not valid YAML"),
        ("a: \x07", "f: is not valid YAML"),
        ("--- 1\n--- 2\n", "f:2: is not valid YAML"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_yaml(text, "f")
    assert str(caught.value).startswith(message)


def test_aliases_that_unfold_to_too_much() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(InputError, match="unfold to too much"):
        parse_yaml("\n".join(lines), "f")


def test_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_yaml(tmp_path / "absent.yaml")
    with pytest.raises(InputError, match="cannot be read"):
        load_yaml(tmp_path)
    bad = tmp_path / "latin.yaml"
    bad.write_bytes(b"a: 1\nb: \xe9\n")
    with pytest.raises(InputError, match=r"latin\.yaml:2: is not UTF-8"):
        load_yaml(bad)
    bad.write_bytes(b"#" * (1 << 21))
    with pytest.raises(InputError, match="larger than"):
        load_yaml(bad)
    bad.write_text("﻿a: 1\n", "utf-8")
    assert load_yaml(bad)[0] == {"a": 1}
    bad.write_text("# nothing\n")
    assert load_yaml(bad)[0] == {}


def test_lines_of_places_that_are_not_there() -> None:
    _, index = parse_yaml("a:\n  b: 1\n", "f")
    assert index.where(("a", "b")) == "f:2: a.b"
    assert index.where(("a", "gone", 3)) == "f:1: a.gone[3]"
    assert index.where() == "f:1"
    assert LineIndex("g").where(("x",)) == "g:1: x"
    assert dotted(("matrix", "exclude", 0, "phones.profile")) == "matrix.exclude[0].phones.profile"
