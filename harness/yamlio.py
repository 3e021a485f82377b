"""YAML files whose mistakes are told with file, line and field.

Scenarios and device profiles are read here. Scalars follow YAML 1.2's core schema, not YAML 1.1 as
PyYAML does by itself: ``off`` and ``no`` are words, ``1e-4`` is a number, dates stay text.
"""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from harness.errors import InputError

Location = tuple[Union[str, int], ...]  # noqa: UP007 - a runtime alias under Python 3.10
ModelT = TypeVar("ModelT", bound=BaseModel)

_MAX_BYTES = 1 << 20
_MAX_NODES = 100_000
_MAX_SHOWN = 10
_SHAPES = ("model_type", "model_attributes_type", "dict_type", "list_type", "tuple_type")
"""Pydantic's types of the error that a value is no mapping or list."""
_WORDS = (
    ("Input should be a valid dictionary or instance of ", "fields are meant here: "),
    ("Input should be a valid dictionary", "fields are meant here"),
    ("Input should be a valid tuple", "a list is meant here"),
    ("Input should be a valid list", "a list is meant here"),
    ("Input should be a valid string", "a word is meant here"),
    ("Input should be a valid integer", "a whole number is meant here"),
    ("Input should be a valid number", "a number is meant here"),
    ("Input should be a valid boolean", "true or false is meant here"),
    ("Input should be", "must be"),
    ("String should", "must"),
    ("Tuple should", "must"),
    ("List should", "must"),
)
"""Words of pydantic, and ours for them."""


class LineIndex:
    """Where in a file each key and item stands.

    Args:
        path: The file as the user named it.
        lines: Location (keys and item numbers from the root) -> line, from 1.
    """

    def __init__(self, path: Path | str, lines: Mapping[Location, int] | None = None) -> None:
        self.path = path
        self.lines: dict[Location, int] = {(): 1, **(lines or {})}

    def line(self, location: Sequence[str | int]) -> int:
        """Return the line of a location, or of the nearest thing above it that is in the file."""
        for length in range(len(location), -1, -1):
            found = self.lines.get(tuple(location[:length]))
            if found is not None:
                return found
        return 1

    def where(self, location: Sequence[str | int] = ()) -> str:
        """Return ``file:line: field`` (without a field for the whole file)."""
        place = f"{self.path}:{self.line(location)}"
        return f"{place}: {dotted(location)}" if location else place


def dotted(location: Sequence[str | int]) -> str:
    """Write a location as a person would: ``matrix.exclude[0].phones``."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


class _Loader(yaml.SafeLoader):
    """SafeLoader with the scalars of YAML 1.2's core schema."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int",
    re.compile(r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$"),
    list("-+0123456789"),
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
    ),
    list("-+.0123456789"),
)


def _integer(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    # int() and not PyYAML's own: in YAML 1.1 a leading 0 means octal
    text = str(loader.construct_scalar(node))
    base = {"0x": 16, "0o": 8}.get(text[:2], 10)
    return int(text[2:] if base != 10 else text, base)


def _float(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> float:
    text = str(loader.construct_scalar(node)).lower()
    return float(text.replace(".inf", "inf").replace(".nan", "nan"))


_Loader.add_constructor("tag:yaml.org,2002:int", _integer)
_Loader.add_constructor("tag:yaml.org,2002:float", _float)


def load_yaml(path: Path | str) -> tuple[Any, LineIndex]:
    """Read a YAML file.

    Returns:
        Its data (mappings, lists, text, numbers, booleans, None), and where each part stands.

    Raises:
        InputError: No such file, not UTF-8, not YAML, a key twice in one mapping, more than 1 MiB.
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InputError("no such file", where=str(path)) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    if len(raw) > _MAX_BYTES:
        raise InputError(
            f"is larger than {_MAX_BYTES} bytes; not one of our files", where=str(path)
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InputError("is not UTF-8 text", where=f"{path}:{line}") from error
    return parse_yaml(text, path)


def parse_yaml(text: str, path: Path | str) -> tuple[Any, LineIndex]:
    """Read YAML text; see `load_yaml`.

    Args:
        text: One YAML document; an empty one is an empty mapping.
        path: What to call it in messages.

    Raises:
        InputError: As `load_yaml`.
    """
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return {}, LineIndex(path)
            index = LineIndex(path)
            _index(node, (), index, [0], [])
            return loader.construct_document(node), index
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{path}:{mark.line + 1}" if mark else str(path)
        raise InputError(f"is not valid YAML: {error.problem}", where=place) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"is not valid YAML: {error}", where=str(path)) from error


def _index(
    node: yaml.Node, here: Location, index: LineIndex, count: list[int], above: list[yaml.Node]
) -> None:
    """Note the line of every key and item; refuse what would be read differently than it looks."""
    count[0] += 1
    place = f"{index.path}:{node.start_mark.line + 1}"
    if any(node is outer for outer in above):
        raise InputError("an alias that contains itself", where=place)
    if count[0] > _MAX_NODES:
        raise InputError("aliases that unfold to too much", where=place)
    above.append(node)
    if isinstance(node, yaml.MappingNode):
        keys: dict[str, int] = {}
        for key, value in node.value:
            _index_key(key, here, index, keys)
            _index(value, (*here, key.value), index, count, above)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            index.lines[(*here, number)] = item.start_mark.line + 1
            _index(item, (*here, number), index, count, above)
    above.pop()


def _index_key(key: yaml.Node, here: Location, index: LineIndex, keys: dict[str, int]) -> None:
    line = key.start_mark.line + 1
    if not isinstance(key, yaml.ScalarNode):
        raise InputError("a key must be a word", where=f"{index.path}:{line}")
    location: Location = (*here, key.value)
    if key.value in keys:
        raise InputError(
            f"this key is here twice, first on line {keys[key.value]}",
            where=f"{index.path}:{line}: {dotted(location)}",
        )
    keys[key.value] = index.lines[location] = line


def validate(
    model_class: type[ModelT], data: object, index: LineIndex, path: Path | str | None = None
) -> ModelT:
    """Check data against a pydantic model.

    Args:
        model_class: What it should be.
        data: From `load_yaml`.
        index: From `load_yaml`.
        path: What to call the file in messages; the index's own path if None.

    Raises:
        InputError: ``file:line: field: message``, all mistakes (up to ten), one a line; an unknown
            key is answered with the known one nearest to it.
    """
    try:
        return model_class.model_validate(data)
    except ValidationError as error:
        shown = LineIndex(index.path if path is None else path, index.lines)
        raise explain(error, data, shown, model_class) from error


def explain(
    error: ValidationError, data: object, index: LineIndex, model_class: type[BaseModel]
) -> InputError:
    """Turn pydantic's errors into one message, each with its place and what to do.

    A model may say what is wrong in its own words: by a class method ``value_hint``, which is given
    pydantic's type of the error, the value and its location, and returns (what, hint) or None.
    """
    problems: dict[tuple[str, str], InputError] = {}
    found = [
        (_location(item["loc"], data, missing=item["type"] == "missing"), item)
        for item in error.errors(include_url=False)
    ]
    for location, item in _telling(found):
        where = index.where(location)
        what, hint = _said(item, location, model_class)
        problems.setdefault((where, what), InputError(what, where=where, hint=hint))
    first, *rest = sorted(problems.values(), key=lambda one: _line_of(one.where))
    lines = [first.hint] if first.hint else []
    lines += [
        f"{one.where}: {one.what}{' - ' if one.hint else ''}{one.hint}"
        for one in rest[: _MAX_SHOWN - 1]
    ]
    if len(rest) >= _MAX_SHOWN:
        lines.append(f"... and {len(rest) - _MAX_SHOWN + 1} more")
    return InputError(first.what, where=first.where, hint="\n  ".join(lines))


def _telling(found: Sequence[tuple[Location, Any]]) -> Iterator[tuple[Location, Any]]:
    """Yield the errors that say most, each with its location.

    Pydantic also calls a list too short whose items were wrong, and says for each form that a value
    may have why it is not of that form.
    """
    for location, item in found:
        others = [other for other in found if other[1] is not item]
        within = any(
            len(other) > len(location) and other[: len(location)] == location for other, _ in others
        )
        beside = any(other == location and one["type"] not in _SHAPES for other, one in others)
        if not within and not (item["type"] in _SHAPES and beside):
            yield location, item


def _line_of(where: str) -> int:
    """Return the line number in a ``file:line: field`` text (0 if there is none)."""
    match = re.search(r":(\d+)(?::|$)", where)
    return int(match[1]) if match else 0


def _location(loc: Sequence[str | int], data: object, *, missing: bool) -> Location:
    """Leave out what pydantic adds to a location: names of union branches and validators."""
    location: list[str | int] = []
    here = data
    for part in loc:
        if (isinstance(here, Mapping) and part in here) or (
            isinstance(here, (list, tuple)) and isinstance(part, int) and part < len(here)
        ):
            here = here[part]  # type: ignore[index]
            location.append(part)
    return (*location, loc[-1]) if missing else tuple(location)


def _said(item: Any, location: Location, model_class: type[BaseModel]) -> tuple[str, str]:
    """Return what is wrong and what to do about it."""
    kind = item["type"]
    own_hint = getattr(model_class, "value_hint", None)
    if own_hint is not None and (words := own_hint(kind, item.get("input"), location)) is not None:
        what, hint = words
        return str(what), str(hint)
    if kind == "extra_forbidden" and location:
        name = str(location[-1])
        fields = sorted(set(_fields_at(model_class, location[:-1])))
        close = difflib.get_close_matches(name, fields, n=1, cutoff=0.6)
        if close:
            return f"unknown key {name!r}", f"did you mean {close[0]!r}?"
        return f"unknown key {name!r}", f"known here: {', '.join(fields)}" if fields else ""
    if kind == "missing":
        return "is missing", ""
    message = _plain_words(str(item["msg"]))
    value = item.get("input")
    if isinstance(value, (str, int, float, bool)):
        message = f"{message} (it is {value!r})"
    if kind == "string_type" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return message, f'write "{value}", in quotes'
    if value is None:
        return message, "it is empty"
    if kind in ("literal_error", "enum") and isinstance(value, str):
        expected = re.findall(r"'([^']*)'", str(item.get("ctx", {}).get("expected", "")))
        close = difflib.get_close_matches(value, expected, n=1, cutoff=0.6)
        return message, f"did you mean {close[0]!r}?" if close else ""
    return message, ""


def _plain_words(message: str) -> str:
    """Return pydantic's message as a person would say it."""
    message = message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    message = message.replace(" after validation", "")
    for theirs, ours in _WORDS:
        message = message.replace(theirs, ours)
    return message


def _fields_at(annotation: object, location: Sequence[str | int]) -> Iterator[str]:
    """Yield the field names (or aliases) that a model knows at a location."""
    for model in _models_in(annotation):
        if not location:
            yield from (field.alias or name for name, field in model.model_fields.items())
            continue
        for name, field in model.model_fields.items():
            if location[0] in (name, field.alias):
                yield from _fields_at(field.annotation, location[1:])
    origin, args = get_origin(annotation), get_args(annotation)
    if location and origin not in (None, Union, types.UnionType, Annotated, Literal):
        for arg in args:  # the items of a list, the values of a mapping
            yield from _fields_at(arg, location[1:])
    elif origin in (Union, types.UnionType, Annotated):
        for arg in args:
            if not _models_in(arg):
                yield from _fields_at(arg, location)


def _models_in(annotation: object) -> list[type[BaseModel]]:
    """Return the models that a value of this annotation may be."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, types.UnionType, Annotated):
        return [model for arg in get_args(annotation) for model in _models_in(arg)]
    return []
