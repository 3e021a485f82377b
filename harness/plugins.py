"""What other packages add to the lab: entry points of ``importlib.metadata`` (docs/extending.md).

A room asks for its group, looks at what came, and takes what it can use. What cannot be loaded or
used is left out, named once in the log, and told by ``harness extensions``; never a traceback.

The order where two want one name: the harness's own first, then packages by their names, then
entry points by theirs. The later one is left out.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

GATES = "mobileasr_lab.gates"
READINGS = "mobileasr_lab.readings"
PHONE_SOURCES = "mobileasr_lab.phone_sources"
REPORT_FIGURES = "mobileasr_lab.report_figures"
LANGUAGES = "mobileasr_lab.languages"
GROUPS = (GATES, READINGS, PHONE_SOURCES, REPORT_FIGURES, LANGUAGES)

_LOG = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class Plugin:
    """One entry point of another package."""

    group: str
    name: str
    package: str
    version: str
    value: str
    """``module:object``."""
    problem: str = ""
    """Why it is left out; empty where it is used."""

    def __str__(self) -> str:
        return f"{self.group} {self.name!r} of {self.package} {self.version}".rstrip()


_known: dict[tuple[str, str, str], Plugin] = {}


def load(group: str, accept: Callable[[str, Any], str]) -> list[Any]:
    """Load the entry points of a group, and return the objects that are used.

    Args:
        group: One of `GROUPS`.
        accept: Looks at (name of the entry point, object), in order: returns why it cannot be
            used, or takes it and returns nothing.
    """
    taken: list[Any] = []
    for point in _points(group):
        plugin = _plugin(group, point)
        made, problem = _loaded(point, accept)
        if problem:
            plugin = Plugin(**{**plugin.__dict__, "problem": problem})
            _LOG.warning("plug-in %s is left out: %s", plugin, problem)
        else:
            taken.append(made)
        _known[group, plugin.package, plugin.name] = plugin
    return taken


def own_objects(package: str, path: Iterable[str], attribute: str) -> list[Any]:
    """Return an object of each module of a package, by the modules' names.

    Args:
        package: Its name.
        path: Its ``__path__``.
        attribute: What the object is called in each module.
    """
    names = sorted(module.name for module in pkgutil.iter_modules(path))
    return [getattr(importlib.import_module(f"{package}.{name}"), attribute) for name in names]


def extended(group: str, own: Iterable[T], problem: Callable[[Any, Sequence[T]], str]) -> list[T]:
    """Return a package's own objects, and after them those of a group that can be used beside them.

    Args:
        group: One of `GROUPS`.
        own: Objects of this package.
        problem: Looks at (one more object, those that there are): says why it cannot be used.
    """
    objects = list(own)

    def accept(_name: str, candidate: Any) -> str:
        why = problem(candidate, objects)
        if not why:
            objects.append(candidate)
        return why

    load(group, accept)
    return objects


def known(group: str) -> list[Plugin]:
    """Return the plug-ins of a group that was loaded, those that are left out too."""
    return [plugin for (own, *_), plugin in _known.items() if own == group]


def problem_of(group: str, name: str) -> str:
    """Return why a plug-in of this name is left out; empty if there is none such."""
    for plugin in known(group):
        if plugin.name == name and plugin.problem:
            return f"plug-in {plugin} is left out: {plugin.problem}"
    return ""


@cache
def _points(group: str) -> tuple[EntryPoint, ...]:
    def order(point: EntryPoint) -> tuple[str, str]:
        return (point.dist.name if point.dist else "", point.name)

    # a package that is found in two places of the path is one
    found = {(order(point), point.value): point for point in entry_points(group=group)}
    return tuple(sorted(found.values(), key=order))


def _plugin(group: str, point: EntryPoint) -> Plugin:
    package = point.dist.name if point.dist else "an unknown package"
    version = point.dist.version if point.dist else ""
    return Plugin(group, point.name, package, version, point.value)


def _loaded(point: EntryPoint, accept: Callable[[str, Any], str]) -> tuple[Any, str]:
    try:
        made = point.load()
        return made, accept(point.name, made)
    except Exception as error:  # noqa: BLE001 - anything may go wrong in somebody else's package
        return None, f"{type(error).__name__}: {error}"
