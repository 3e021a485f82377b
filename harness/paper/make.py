"""A section for each table or figure that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.errors import HarnessError
from harness.paper.claims import claims_of
from harness.paper.given import Given
from harness.paper.items import Item
from harness.paper.sections import Section
from harness.paper.system import System


def sections(system: System, items: Sequence[Item], given: Given) -> list[Section]:
    """Return a section for every item, also for those that nothing was measured for.

    What a run's files cannot give is said in its own section and costs no other.
    """
    return [_judged(system, _section(system, item, given)) for item in items]


def _judged(system: System, section: Section) -> Section:
    basis = section.basis
    claims = claims_of(system.claims, section.item.key, basis.says, basis.figures, basis.source)
    return replace(section, claims=claims)


def _section(system: System, item: Item, given: Given) -> Section:
    make = system.makers[item]
    try:
        return make(item, given)
    except HarnessError as error:
        key = item.experiment or item.key
        rest = {other: source for other, source in given.sources.items() if other != key}
        lost = replace(given, sources=rest, missing={**given.missing, key: f"it failed: {error}"})
        return replace(make(item, lost), failed=True)
