"""Dotted paths: one word names a field in the matrix, in ``--set``, ``--only`` and the report."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from harness.scenario.base import Section

MISSING: Final = object()
"""What `get_path` returns where a mapping has no such field."""


def section_of(annotation: Any) -> type[Section] | None:
    """Return the section that a field's annotation holds, looking through Optional and so on."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, typing.Annotated):
        for part in typing.get_args(annotation):
            found = section_of(part)
            if found is not None:
                return found
    return None


def _is_open(annotation: Any) -> bool:
    """Say whether a field holds a free mapping (``phones``, ``gates``)."""
    if typing.get_origin(annotation) is dict:
        return True
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, typing.Annotated):
        return any(_is_open(part) for part in typing.get_args(annotation))
    return False


def field_paths(model: type[BaseModel], prefix: str = "") -> dict[str, Any]:
    """Return every dotted path below ``model`` with its annotation, sections included."""
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        found[path] = field.annotation
        inner = section_of(field.annotation)
        if inner is not None:
            found.update(field_paths(inner, f"{path}."))
    return found


def open_paths(model: type[BaseModel]) -> tuple[str, ...]:
    """Return the paths below which any key is allowed, because another part validates it."""
    return tuple(path for path, kind in field_paths(model).items() if _is_open(kind))


def is_known(path: str, model: type[BaseModel]) -> bool:
    """Say whether ``path`` names a field of ``model`` or lies in one of its free mappings."""
    if path in field_paths(model):
        return True
    return any(path.startswith(f"{free}.") and path[len(free) + 1 :] for free in open_paths(model))


def suggestion(word: str, known: typing.Iterable[str]) -> str:
    """Return a "did you mean" sentence for a wrong path or key, or an empty string.

    A right last word in the wrong place is the commonest slip (``epochs`` for ``trainer.epochs``),
    so that comes first; then a path that looks alike, then one whose last word does.
    """
    names = sorted(known)
    last = word.rpartition(".")[2]
    by_last: dict[str, str] = {}
    for name in sorted(names, key=lambda name: name.count(".")):
        by_last.setdefault(name.rpartition(".")[2], name)
    if last in by_last and word not in names:
        return f"Did you mean {by_last[last]}?"
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.7)
    if not near:
        near = [by_last[name] for name in difflib.get_close_matches(last, by_last, n=1, cutoff=0.7)]
    if not near:
        near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    return f"Did you mean {near[0]}?" if near else ""


def axis_names(paths: typing.Iterable[str]) -> dict[str, str]:
    """Return what to call axes of a matrix for short: the last word of a path where one has it."""
    last = {path: path.rpartition(".")[2] for path in paths}
    seen = list(last.values())
    return {path: name if seen.count(name) == 1 else path for path, name in last.items()}


def axis_words(axes: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return (short name, value) of each axis, as people read them."""
    names = axis_names(axes)
    return tuple((names[path], _in_words(value)) for path, value in axes.items())


def _in_words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_in_words(inner)}" for key, inner in value.items())
    if isinstance(value, (list, tuple)):
        return " ".join(_in_words(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else "none" if value is None else str(value)


def get_path(value: Any, path: str) -> Any:
    """Return the value at ``path``, or ``MISSING``."""
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return MISSING
        value = value[part]
    return value


def set_path(tree: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy of ``tree`` with ``value`` at ``path``; what is not on the path is shared.

    Raises:
        ValueError: Something on the way is a plain value, which has no fields.
    """
    head, _, rest = path.partition(".")
    copy = dict(tree)
    if not rest:
        copy[head] = value
        return copy
    inner = copy.get(head)
    if inner is None:
        inner = {}
    if not isinstance(inner, Mapping):
        raise ValueError(f"{head} is {inner!r}, which has no field {rest.split('.')[0]}")
    copy[head] = set_path(inner, rest, value)
    return copy
