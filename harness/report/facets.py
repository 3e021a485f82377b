"""By what a reader may filter: data attributes on rows, panels and strips, and their titles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from harness.report.axes import (
    PROFILE,
    SPEAKER,
    SUB_MODEL,
    facets,
    is_pressure,
    key_at,
    label_of,
    shown,
    value_at,
    values_of,
    varying,
)
from harness.report.load import Attempt
from harness.report.serials import phone_name
from harness.report.text import clean

_FIXED = (("phone", PROFILE), ("speaker", SPEAKER), ("sub", SUB_MODEL))


@dataclass(frozen=True)
class Facets:
    """Filters of one page."""

    paths: tuple[tuple[str, str], ...]
    """(attribute, dotted path) of each setting that varies."""
    group: frozenset[str]
    """Attributes in which all attempts of one panel agree."""
    serials: bool
    """Whether the phone's profile is not enough to tell phones apart."""

    @classmethod
    def of(cls, attempts: Sequence[Attempt]) -> Facets:
        """Choose the filters for these attempts."""
        axes = varying(attempts)
        settings = [axis.path for axis in facets(axes)]
        # Pressure that fits S5 chooses S5: asking for both would be asking twice
        chosen = partition(attempts, SUB_MODEL)
        pressures = [
            axis.path
            for axis in axes
            if is_pressure(axis.path) and partition(attempts, axis.path) != chosen
        ]
        numbered = enumerate([*settings, *pressures], 1)
        phones = {
            (attempt.result.phone.profile, phone_name(attempt.result.phone)) for attempt in attempts
        }
        return cls(
            paths=(*_FIXED, *((f"x{number}", path) for number, path in numbered)),
            group=frozenset({"phone", "speaker", *(f"x{n + 1}" for n in range(len(settings)))}),
            serials=len(phones) > len({profile for profile, _ in phones}),
        )

    @property
    def titles(self) -> list[tuple[str, str]]:
        """(attribute, what it is called), in the order of the page."""
        titles = [(name, label_of(path).capitalize()) for name, path in self.paths]
        if self.serials:
            titles.append(("serial", "Serial"))
        return [*titles, ("result", "Result")]

    def orders(self, attempts: Sequence[Attempt]) -> dict[str, list[str]]:
        """Return the values of each setting in reading order, for the script."""
        return {
            name: [clean(shown(value)) for value in values_of(attempts, path)]
            for name, path in self.paths
        }

    def of_attempt(self, attempt: Attempt) -> Markup:
        """Return the attributes of something that belongs to one attempt."""
        values = {name: shown(value_at(attempt, path)) for name, path in self.paths}
        values["result"] = attempt.result.status
        if self.serials:
            values["serial"] = phone_name(attempt.result.phone)
        return _attributes(values)

    def of_group(self, first: Attempt) -> Markup:
        """Return the attributes that all attempts of a panel or a row of medians share."""
        return _attributes(
            {name: shown(value_at(first, path)) for name, path in self.paths if name in self.group}
        )


def partition(attempts: Sequence[Attempt], path: str) -> list[int]:
    """Return for each attempt the place of the first that has the same value."""
    first: dict[str, int] = {}
    return [
        first.setdefault(key_at(attempt, path), place) for place, attempt in enumerate(attempts)
    ]


def _attributes(values: dict[str, str]) -> Markup:
    return Markup(" ").join(
        Markup('data-{}="{}"').format(name, clean(value)) for name, value in values.items()
    )
