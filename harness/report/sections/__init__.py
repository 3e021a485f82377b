"""The sections of a report, a file each: its ``SECTION`` is found by itself.

Another one takes a file here and a template in ``reports/templates/sections``.
"""

from __future__ import annotations

from functools import cache

from harness.plugins import own_objects
from harness.report.section import Section


@cache
def sections() -> tuple[Section, ...]:
    """Return all sections in the order of the page."""
    own: list[Section] = own_objects(__name__, __path__, "SECTION")
    return tuple(sorted(own, key=lambda section: section.place))
