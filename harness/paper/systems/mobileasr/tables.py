"""The paper's tables from runs, arithmetic, profiles or the corpus."""

from __future__ import annotations

from dataclasses import replace
from statistics import mean

from harness.devices.profile import load_profiles
from harness.memory.published import Published
from harness.paper.given import Figures, Given, no_run, section_of, source_of
from harness.paper.items import Item
from harness.paper.measure import Figure, figure, matching
from harness.paper.published import measured_of
from harness.paper.sections import Section, after, measured_grid
from harness.paper.systems.mobileasr.arithmetic import arithmetic
from harness.paper.systems.mobileasr.claims import CLAIMS
from harness.report.numbers import Spread


def sweep(item: Item, published: Published, given: Given) -> Section:
    """Return a table whose rows are settings of one run."""
    says = measured_of(published, item.key)
    source = source_of(item, given)
    if source is None:
        return section_of(item, says, {}, no_run(item, given))
    metrics = {*(head.key for head in says.columns), *CLAIMS.metrics(item.key)}
    figures = {
        (row.name, key): figure(source, matching(source, row.where), key)
        for row in says.rows
        for key in metrics
    }
    return section_of(item, says, figures, source=source)


def table1(item: Item, published: Published, given: Given) -> Section:
    """Return Table 1: parameters by arithmetic, WER from a run."""
    counted = arithmetic(item, published, ["Table 1"])
    made = sweep(item, published, given)
    return replace(
        made,
        grids=(*counted.grids, *(after(grid, len(counted.notes)) for grid in made.grids)),
        notes=(*counted.notes, *made.notes),
    )


def table6(item: Item, published: Published, given: Given) -> Section:
    """Return Table 6: how long utterances are."""
    says = measured_of(published, item.key)
    figures: Figures = {}
    for row in says.rows:
        lengths = given.speech.get(row.where.get("data.speaker", ""))
        if lengths:
            seconds = Spread(mean(lengths), min(lengths), max(lengths), len(lengths))
            figures[row.name, "seconds"] = Figure(seconds)
    missing = "" if figures else "No speech was made for it."
    grids = (measured_grid(says, figures, "our voices"),)
    return section_of(item, says, figures, missing, grids=grids)


def table7(item: Item, published: Published, given: Given) -> Section:
    """Return Table 7: what the baseline was pre-trained on."""
    says = measured_of(published, item.key)
    source = source_of(item, given)
    if source is None:
        return section_of(item, says, {}, no_run(item, given))
    provenances = []
    for name, manifest in source.data.record.models.items():
        provenance = manifest.get("provenance") or {}
        corpus = provenance.get("corpus", "nothing is written down")
        provenances.append(f"Our baseline {name} was pre-trained on: {corpus}.")
    notes = (*(note.text for note in says.notes), *provenances)
    return section_of(item, says, {}, notes=notes)


def table8(item: Item, published: Published, _: Given) -> Section:
    """Return Table 8: phones, beside the device profiles."""
    says = measured_of(published, item.key)
    profiles = load_profiles()
    figures: Figures = {}
    for row in says.rows:
        profile = profiles[row.profile or ""]
        ghz = max(cluster.max_mhz for cluster in profile.cores) / 1000
        for key, value in (
            ("available_gb", profile.idle_available_mb / 1024),
            ("total_gb", profile.ram_total_mb / 1024),
            ("ghz", ghz),
        ):
            figures[row.name, key] = Figure(Spread(value, value, value, 1))
    return section_of(item, says, figures, grids=(measured_grid(says, figures, "our profiles"),))
