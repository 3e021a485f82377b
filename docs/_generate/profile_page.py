"""The reference of device profiles, from the models that check these files."""

from __future__ import annotations

from pydantic import BaseModel

from docs._generate.fields import rows, table
from docs._generate.results_page import meaning, sentence
from harness.devices.profile import Cluster, DeviceProfile, Quirk, QuirkCheck

PARTS: tuple[tuple[str, type[BaseModel], str], ...] = (
    ("The file", DeviceProfile, ""),
    ("cores", Cluster, "A list of these, one for each kind of core."),
    ("quirks", Quirk, "What a person has to know or set, since no program can. A list of these."),
    ("check", QuirkCheck, "How `harness doctor` sees whether it has been done."),
)
"""Heading, model, and what to say of it."""

_HEAD = """\
# Profile reference

One YAML file a phone model in `device_profiles/`; [plug in a phone](../plug_in_a_phone.md) shows a
whole one. What a real phone says of itself counts more than its profile. What holds for all phones
of a maker stands in `device_profiles/vendors/`, as `quirks` of the same shape.

This page is made from the code that reads these files, when the site is built.
"""


def page() -> str:
    """Return the page in Markdown."""
    links = {model.__name__: f"#{heading}" for heading, model, _ in PARTS[1:]}
    parts = [_HEAD]
    for heading, model, more in PARTS:
        parts.append(f"## {heading}\n")
        if more:
            parts.append(f"{more}\n")
        lines = []
        for row in rows(model, links):
            limits = f"; {row.limits}" if row.limits else ""
            told = sentence(meaning(model, row))
            lines.append((f"`{row.name}`", row.type + limits, row.default, told))
        parts.append(table(("field", "type", "default", "meaning"), lines) + "\n")
    return "\n".join(parts)
