"""What to write instead, for values that are often written wrong in a scenario (pure)."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any, Final, get_args

from pydantic import ValidationError

from harness.scenario.paths import section_of
from harness.scenario.quantities import comparison_meant, number_meant

Words = tuple[str, str]
"""What is wrong, and what to write."""

_NAMES: Final = frozenset(("name", "data.corpus", "data.speaker", "model.name", "model.size"))
"""Fields whose values are names in lower case."""
_SUB_MODELS: Final = ("sub_model", "candidates", "fits")
_COMPARED: Final = frozenset(("phones.ram_mb", "phones.android", "phones.sdk"))
_MAPPINGS: Final = frozenset(("model_type", "model_attributes_type", "dict_type"))
_ONE_VALUE: Final = frozenset(
    ("string_type", "int_type", "float_type", "bool_type", "literal_error", "value_error")
)
_FIRST_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "model": ("name",),
    "data": ("corpus", "manifest"),
    "phones": ("profile", "count"),
    "pressure": ("available_mb", "fits"),
    "sampling": ("period_s",),
    "reproduces": ("paper",),
    "order": ("shuffled",),
}
"""Section -> the fields that are meant where a value alone stands in its place."""
_NOTHING: Final = (None, False, "none", "no", "off", "never", "all", "max", "auto", "default", "")
_YES: Final = ("yes", "on", "y", "true", "1", "enabled")
_NO: Final = ("no", "off", "n", "false", "0", "disabled")
_CLAIM: Final = re.compile(r"\s*([a-z_]+)\s*(<=?|>=?)\s*([0-9.]+)\s*%?\s*")


def value_hint(
    kind: str, value: Any, path: str, known: Mapping[str, Any], varying: Collection[str]
) -> Words | None:
    """Return what is wrong with a value and what to write, where that is known.

    Args:
        kind: Pydantic's type of the error.
        value: What was written.
        path: The dotted path of its field, without numbers of items.
        known: Every path of the scenario with its annotation.
        varying: Those that may be an axis of the matrix.
    """
    if kind == "extra_forbidden":
        return _elsewhere(path, value, known)
    if path == "expect" or path.startswith("expect."):
        return _expectation(kind, value)
    if path not in known:
        return None
    if isinstance(value, list) and kind in _ONE_VALUE | _MAPPINGS:
        return _list(value, path, known, varying)
    if kind in _MAPPINGS:
        return _mapping(value, path, known)
    if path in _COMPARED and isinstance(value, str):
        return _comparison(value, path)
    if kind == "tuple_type":
        return _words(value, path)
    if kind == "string_type":
        return _word(value, path)
    if kind in ("int_type", "int_from_float", "float_type"):
        return _number(value, path, known, whole=kind != "float_type")
    if kind == "bool_type":
        return _flag(value)
    if kind == "string_pattern_mismatch" and isinstance(value, str):
        return _name(value, path)
    return None


def written(value: Any) -> str:
    """Return a value as one writes it in YAML, within a line."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {written(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(written(item) for item in value)}]"
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    text = str(value)
    plain = not isinstance(value, str) or re.fullmatch(r"[A-Za-z/*][A-Za-z0-9_./*-]*", text)
    return text if plain else json.dumps(text, ensure_ascii=False)


def _elsewhere(path: str, value: Any, known: Mapping[str, Any]) -> Words | None:
    """Return where a key belongs that stands in the wrong section."""
    last = path.rpartition(".")[2]
    places = [name for name in known if name.rpartition(".")[2] == last]
    if not places:
        return None
    place = min(places, key=lambda name: name.count("."))
    tree: Any = value
    for part in reversed(place.split(".")):
        tree = {part: tree}
    shown = written(tree)[1:-1]
    hint = f"Did you mean {place}?"
    return f"unknown key {last!r}", f"{hint} Write {shown}." if len(shown) <= 60 else hint


def _list(
    value: list[Any], path: str, known: Mapping[str, Any], varying: Collection[str]
) -> Words | None:
    what = "one value is meant here, not a list"
    section = section_of(known[path])
    if section is None and "dict" in str(known[path]) and path != "gates":
        return None
    field = _field_for(value[0] if value else None, path, known)
    if path == "phones":  # a list of phones is any of them
        return what, f"Write {path}: {{{field or 'profile'}: {written(value)}}}."
    if section is not None and path != "model":
        if field is None:
            return "fields are meant here, not a list", _fields_of(path, known)
        path = f"{path}.{field}"
    if path not in varying:
        return what, f"Write {written(value[0])}." if value else "Write one value."
    return what, f"To run a job for each: matrix: {{{path}: {written(value)}}}."


def _mapping(value: Any, path: str, known: Mapping[str, Any]) -> Words | None:
    if isinstance(value, Mapping):
        return None
    what = f"fields are meant here, not {_said(value)}"
    if value in _NOTHING and not isinstance(value, int):
        null = " In a matrix, write null." if type(None) in get_args(known[path]) else ""
        return what, f"Leave {path} out for how it is by default.{null}"
    field = _field_for(value, path, known)
    if field is not None:
        return what, f"Write {path}: {{{field}: {written(value)}}}."
    return what, _fields_of(path, known)


def _field_for(value: Any, path: str, known: Mapping[str, Any]) -> str | None:
    """Return the field of a section that a value is right for, of those that are meant alone."""
    section = section_of(known[path])
    for field in _FIRST_FIELDS.get(path, ()) if section is not None else ():
        try:
            section.model_validate({field: value})  # type: ignore[union-attr]
        except ValidationError:
            continue
        return field
    return None


def _fields_of(path: str, known: Mapping[str, Any]) -> str:
    inner = [name for name in known if name.startswith(f"{path}.")]
    names = [name.removeprefix(f"{path}.") for name in inner]
    return f"It has {', '.join(name for name in names if '.' not in name)}." if names else ""


def _expectation(kind: str, value: Any) -> Words | None:
    example = "{metric: wer_percent, below: 20}"
    if isinstance(value, str) and (claim := _CLAIM.fullmatch(value)) is not None:
        side = "below" if claim[2].startswith("<") else "above"
        example = f"{{metric: {claim[1]}, {side}: {claim[3]}}}"
    if kind == "tuple_type":
        if isinstance(value, Mapping):
            example = written(value)
        return "a list of expectations is meant here", f"Write expect: [{example}]."
    if kind in _MAPPINGS:
        return f"an expectation has fields, it is not {_said(value)}", f"Write {example}."
    if kind == "float_type":
        return _number(value, "expect", {}, whole=False)
    if kind == "string_pattern_mismatch":
        return f"there is no figure {value!r}", f"Names are in lower case: {str(value).lower()}."
    return None


def _comparison(value: str, path: str) -> Words:
    meant = comparison_meant(value, size=path.endswith("_mb"))
    what = f"not a comparison: {value!r}"
    if meant is None:
        return what, 'Write for example ">= 10" or ">= 10, < 13", without a unit.'
    unit = "Sizes are MiB, without a unit: write" if path.endswith("_mb") else "Write"
    return what, f'{unit} "{meant}".'


def _words(value: Any, path: str) -> Words | None:
    last = path.rpartition(".")[2]
    if isinstance(value, str):
        items = [item for item in re.split(r"[,;\s]+", value) if item]
        return "a list is meant here", f"Write {last}: {written(items)}."
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"a word is meant here, not {_said(value)}", f'Write {last}: "{value}", in quotes.'
    return None


def _word(value: Any, path: str) -> Words | None:
    if value is None:
        return "is empty", "Write a value after it, or take it out."
    if path.rpartition(".")[2] in _SUB_MODELS:
        return f"a name is meant here, not {_said(value)}", "Sub-models have names such as S5."
    if isinstance(value, (bool, int, float)):
        shown = written(value)
        return f"a word is meant here, not {_said(value)}", f'Write "{shown}", in quotes.'
    return None


def _number(value: Any, path: str, known: Mapping[str, Any], *, whole: bool) -> Words | None:
    kind = "a whole number" if whole else "a number"
    what = f"{kind} is meant here, not {_said(value)}"
    if value is None:
        return "is empty", "Write a number after it, or take it out."
    if isinstance(value, str):
        if value.lower() in _NOTHING and type(None) in get_args(known.get(path)):
            return what, "Leave it out for how it is by default."
        return what, number_meant(value, path, whole=whole) or f"Write {kind}."
    if isinstance(value, float) and value.is_integer():
        return what, f"Write {value:.0f}."
    return what, f"Write {kind}."


def _flag(value: Any) -> Words:
    what = f"true or false is meant here, not {_said(value)}"
    text = str(value).lower()
    if text in _YES or text in _NO:
        return what, f"Write {'true' if text in _YES else 'false'}, without quotes."
    return what, ""


def _name(value: str, path: str) -> Words | None:
    if path == "model" and re.search(r"[/\\]|\.tflite$|\.json$", value):
        return f"{value!r} is not the name of a model", f"Write model: {{path: {written(value)}}}."
    if path not in _NAMES and path != "model":
        return None
    separator = "/" if path == "data.corpus" else ""  # speech/it
    name = re.sub(rf"[^a-z0-9._{separator}-]+", "-", value.lower()).strip("-._/")
    rule = "A name has lower case letters, digits, dot, dash and underscore."
    return f"{value!r} is not a name", f"Write {name}. {rule}" if name else rule


def _said(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the word {value!r}"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    return "a list" if isinstance(value, (list, tuple)) else "fields"
