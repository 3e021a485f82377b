"""The intent options of ``am`` (pure). Source: AOSP ``Intent.parseCommandArgs``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Union

from harness.virtual.system.tasks import full_component, short_component

Extra = Union[str, int, float, bool, None]  # noqa: UP007 - read at run time, also by 3.10


class IntentError(ValueError):
    """The options make no intent."""


@dataclass
class Intent:
    """What shall be started or sent."""

    action: str | None = None
    data: str | None = None
    package: str | None = None
    component: str | None = None
    categories: list[str] = field(default_factory=list)
    extras: dict[str, Extra] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    wait: bool = False
    """``am`` shall say how long the start took."""
    stop: bool = False
    """The package is stopped before."""

    @property
    def component_parts(self) -> tuple[str, str]:
        """Package and full class name of the component; empty texts without one."""
        package, _, name = full_component(self.component or "").partition("/")
        return package, name

    @property
    def short_component(self) -> str:
        """The component as Android prints it, ``org.example/.Main``; empty without one."""
        return short_component(self.component or "")

    def __str__(self) -> str:
        parts = []
        if self.action:
            parts.append(f"act={self.action}")
        if self.categories:
            parts.append(f"cat=[{','.join(self.categories)}]")
        if self.data:
            parts.append(f"dat={self.data}")
        if self.package:
            parts.append(f"pkg={self.package}")
        if self.component:
            parts.append(f"cmp={self.short_component}")
        if self.extras:
            parts.append("(has extras)")
        return f"Intent {{ {' '.join(parts)} }}"


_WITH_VALUE = frozenset(
    {"-f", "-t", "-i", "--user", "--windowingMode", "--display", "--receiver-permission",
     "--activity-options", "--query-flags", "-R", "-P", "--start-profiler", "--sampling",
     "--selector"}
)  # fmt: skip


_ARRAYS = frozenset({"--ecn", "--ed", "--eda", "--efa", "--efal", "--eia", "--eial", "--ela",
                     "--elal", "--esa", "--esal", "--edal", "--eza"})  # fmt: skip
"""Extras that are kept as they are written."""


def parse_intent(args: Sequence[str]) -> Intent:
    """Read the options of ``am start`` and its kin.

    Raises:
        IntentError: An option lacks its value or has a wrong one.
    """
    intent = Intent()
    left = list(args)

    def value(option: str) -> str:
        if not left:
            raise IntentError(f'Argument expected after "{option}"')
        return left.pop(0)

    while left:
        option = left.pop(0)
        if option == "-a":
            intent.action = value(option)
        elif option == "-d":
            intent.data = value(option)
        elif option == "-c":
            intent.categories.append(value(option))
        elif option == "-n":
            intent.component = value(option)
            if "/" not in intent.component:
                raise IntentError(f"Bad component name: {intent.component}")
        elif option == "-p":
            intent.package = value(option)
        elif option in _ARRAYS:
            key = value(option)
            intent.extras[key] = value(option)
        elif option in ("-e", "--es", "--ei", "--ez", "--el", "--ef", "--eu", "--esn"):
            key = value(option)
            intent.extras[key] = None if option == "--esn" else _extra(option, value(option))
        elif option in _WITH_VALUE:
            value(option)
        elif option == "-W":
            intent.wait = True
        elif option == "-S":
            intent.stop = True
        elif option.startswith("-") and len(option) > 1:
            continue  # flags such as -D, --grant-read-uri-permission
        else:
            intent.words.append(option)
    if intent.component is None and intent.words:
        first = intent.words[0]
        if "/" in first and ":" not in first:
            intent.component = first
        elif ":" in first:
            intent.data = first
        else:
            intent.package = first
    return intent


def _extra(option: str, text: str) -> Extra:
    try:
        if option in ("--ei", "--el"):
            return int(text, 0)
        if option == "--ef":
            return float(text)
    except ValueError:
        raise IntentError(f'For input string: "{text}"') from None
    if option == "--ez":
        if text.lower() not in ("true", "false", "t", "f", "1", "0"):
            raise IntentError(f"Invalid boolean value: {text}")
        return text.lower() in ("true", "t", "1")
    return text
