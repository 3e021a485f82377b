"""Each item of the paper from runs, arithmetic, profiles or the corpus."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import mean
from typing import Any

from harness.devices.profile import load_profiles
from harness.memory.published import Published, load_published
from harness.paper.bars import bars
from harness.paper.items import Item
from harness.paper.measure import Figure, Source, figure, matching, phase_figure
from harness.paper.published import Measured, measured_of
from harness.paper.sections import (
    Cell,
    Claim,
    Drawing,
    Grid,
    Head,
    Section,
    arithmetic,
    claims,
    measured_grid,
    ordered,
)
from harness.report import cost, outcome
from harness.report.figures.timeline import timeline
from harness.report.figures.wer import wer_panel
from harness.report.load import Attempt
from harness.report.numbers import Spread, fixed, signed

Figures = dict[tuple[str, str], Figure]


@dataclass(frozen=True)
class Given:
    """What the sections are made from.

    Attributes:
        sources: Experiment's key -> its run.
        missing: Experiment's key -> why there is no run.
        speech: Speaker -> seconds of each utterance, for Table 6.
    """

    sources: Mapping[str, Source] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    speech: Mapping[str, Sequence[float]] = field(default_factory=dict)


def sections(items: Sequence[Item], given: Given) -> list[Section]:
    """Return a section for every item, also for those that nothing was measured for."""
    published = load_published()
    return [_MAKERS[item.key](item, published, given) for item in items]


def _no_run(item: Item, given: Given) -> str:
    assert item.experiment is not None
    return given.missing.get(item.experiment, "Nothing was run for it.")


def _section(
    item: Item, says: Measured, figures: Figures, missing: str = "", **more: Any
) -> Section:
    grids = (measured_grid(says, figures),) if says.columns else ()
    made = {
        "grids": grids,
        "claims": claims(says, figures) if not missing else (),
        "notes": says.notes,
        **more,
    }
    return Section(item, at=says.at, what=says.what, missing=missing, **made)


def _source(item: Item, given: Given) -> Source | None:
    return given.sources.get(item.experiment or "")


# -- tables ---------------------------------------------------------------------------------------


def _sweep(item: Item, published: Published, given: Given) -> Section:
    says = measured_of(published, item.key)
    source = _source(item, given)
    if source is None:
        return _section(item, says, {}, _no_run(item, given))
    figures = {
        (row.name, head.key): figure(source, matching(source, row.where), head.key)
        for row in says.rows
        for head in says.columns
    }
    return _section(item, says, figures, origins=_origins(source))


def _table1(item: Item, published: Published, given: Given) -> Section:
    counted = arithmetic(item, published, ["Table 1"])
    made = _sweep(item, published, given)
    return Section(
        **{
            **vars(made),
            "grids": (*counted.grids, *made.grids),
            "notes": (*made.notes, *counted.notes),
        }
    )


def _arithmetic(*places: str) -> Callable[[Item, Published, Given], Section]:
    return lambda item, published, _: arithmetic(item, published, places)


def _table6(item: Item, published: Published, given: Given) -> Section:
    says = measured_of(published, item.key)
    figures: Figures = {}
    for row in says.rows:
        lengths = given.speech.get(row.where.get("data.speaker", ""))
        if lengths:
            found = Spread(mean(lengths), min(lengths), max(lengths), len(lengths))
            figures[row.name, "seconds"] = Figure(found)
    missing = "" if figures else "No speech was made for it."
    grids = (measured_grid(says, figures, "our voices"),)
    return _section(item, says, figures, missing, grids=grids)


def _table7(item: Item, published: Published, given: Given) -> Section:
    says = measured_of(published, item.key)
    source = _source(item, given)
    if source is None:
        return _section(item, says, {}, _no_run(item, given))
    told = []
    for name, manifest in source.data.record.models.items():
        provenance = manifest.get("provenance") or {}
        corpus = provenance.get("corpus", "nothing is written down")
        told.append(f"Our baseline {name} was pre-trained on: {corpus}.")
    return _section(item, says, {}, notes=(*told, *says.notes))


def _table8(item: Item, published: Published, _: Given) -> Section:
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
    return _section(item, says, figures, grids=(measured_grid(says, figures, "our profiles"),))


# -- figures --------------------------------------------------------------------------------------


def _figure2(item: Item, published: Published, given: Given) -> Section:
    says = measured_of(published, item.key)
    source = _source(item, given)
    if source is None or not source.finished:
        return _section(item, says, {}, _no_run(item, given))
    figures = {
        (row.name, head.key): phase_figure(source, row.name, head.key)
        for row in says.rows
        for head in says.columns
    }
    one = source.finished[0]
    view = cost.timeline(one, one.read_samples(cost.COLUMNS))
    drawn = timeline(view, one.sub_model, "figure2", "RAM and CPU over one epoch") if view else None
    period = one.result.sampling.period_s if one.result.sampling else 1.0
    often = "each second" if period == 1 else f"every {period:g} s"
    caption = f"{one.result.speaker} on {one.result.phone.profile}, {often}"
    drawings = (Drawing("figure2", caption, drawn),) if drawn else ()
    return _section(item, says, figures, drawings=drawings, origins=_origins(source))


def _speakers(source: Source, round_: int) -> dict[str, list[Attempt]]:
    found: dict[str, list[Attempt]] = {}
    for one in source.finished:
        if one.result.round == round_:
            found.setdefault(one.result.speaker, []).append(one)
    return found


def _figure3(item: Item, published: Published, given: Given) -> Section:
    says = measured_of(published, item.key)
    source = _source(item, given)
    pairs = [] if source is None else _before_and_after(source)
    if source is None or not pairs:
        return _section(item, says, {}, _no_run(item, given))
    links = tuple(source.link(one) for own in _speakers(source, 1).values() for one in own)
    figures: Figures = {}
    for row, values in (
        ("before", [before for _, before, _ in pairs]),
        ("after", [after for _, _, after in pairs]),
    ):
        found = Spread(mean(values), min(values), max(values), len(values))
        figures[row, "wer"] = Figure(found, links)
    rows = tuple(
        (
            speaker,
            tuple(
                Cell("", fixed(value, 1), (source.link(_speakers(source, 1)[speaker][0]),),
                     value, value, value, 1)
                for value in (before, after)
            ),
        )
        for speaker, before, after in pairs
    )  # fmt: skip
    heads = (Head("Before, %", "not_comparable"), Head("After, %", "not_comparable"))
    by_speaker = Grid("By speaker; the page prints no figures", heads, rows)
    lower = sum(after < before for _, before, after in pairs)
    told = f"{lower} of {len(pairs)} speakers"
    note = f"Measured: the mean fell by {_share(figures)} % of what it was, for {told}."
    drawn = bars(pairs, "figure3", "WER before and after round 1")
    return _section(
        item,
        says,
        figures,
        grids=(measured_grid(says, figures), by_speaker),
        drawings=(Drawing("figure3", "Before and after round 1, by speaker", drawn),),
        notes=(*says.notes, note),
        origins=_origins(source),
    )


def _share(figures: Figures) -> str:
    before, after = figures["before", "wer"].found, figures["after", "wer"].found
    if before is None or after is None or not before.median:
        return fixed(None)
    return fixed(100 * (before.median - after.median) / before.median, 1)


def _before_and_after(source: Source) -> list[tuple[str, float, float]]:
    pairs = []
    for speaker, own in _speakers(source, 1).items():
        before = [w for one in own if (w := one.result.wer_before_percent) is not None]
        after = [w for one in own if (w := one.result.wer_after_percent) is not None]
        if before and after:
            pairs.append((speaker, mean(before), mean(after)))
    return pairs


def _figure4(item: Item, published: Published, given: Given) -> Section:
    says = measured_of(published, item.key)
    source = _source(item, given)
    if source is None or not source.finished:
        return _section(item, says, {}, _no_run(item, given))
    made = _panels(item.key, source)
    steepest = tuple(
        claim for speaker, own in _speakers(source, 1).items() for claim in _steepest(speaker, own)
    )
    return _section(item, says, {}, drawings=made, claims=steepest, origins=_origins(source))


def _panels(key: str, source: Source) -> tuple[Drawing, ...]:
    small = outcome.small_multiples(source.finished)
    return tuple(
        Drawing(
            f"{key}-{panel.speaker}",
            f"{panel.speaker} on {panel.phone}",
            wer_panel(panel, small.wer_max, small.epoch_max),
        )
        for panel in small.panels
    )


def _steepest(speaker: str, own: Sequence[Attempt]) -> list[Claim]:
    """Say for one speaker whether WER falls most in the first epoch of round 1."""
    result = own[0].result
    wer = [(one.epoch, one.wer_percent) for one in result.epochs]
    if len(wer) < 3:
        return []
    falls = [(str(after[0]), before[1] - after[1]) for before, after in pairwise(wer)]
    says = f"{speaker}: steepest fall in the first epoch"
    if falls[0][1] <= 0 and max(fall for _, fall in falls) <= 0:
        told = f"WER did not fall at all (from {wer[0][1]:.1f} %)."
        return [Claim(says, "cannot be said", told)]
    first = ordered(says, False, [falls[0], max(falls[1:], key=lambda one: one[1])])
    told = ", ".join(f"epoch {epoch}: {signed(-fall, 1)}" for epoch, fall in falls)
    return [Claim(says, first.verdict, told)]


def _figure5(item: Item, published: Published, given: Given) -> Section:
    says = measured_of(published, item.key)
    source = _source(item, given)
    if source is None or not source.finished:
        return _section(item, says, {}, _no_run(item, given))
    heads = (Head("Epoch kept", "not_comparable"), Head("WER, %", "not_comparable"))
    rows = []
    for speaker, own in _speakers(source, 1).items():
        cells = []
        for key, digits in (("epochs", 0), ("wer_after", 1)):
            found = figure(source, own, key)
            text = fixed(found.found.median if found.found else None, digits)
            cells.append(Cell("", text, found.links))
        rows.append((speaker, tuple(cells)))
    ours = Grid("Our recordings", heads, tuple(rows))
    return _section(
        item,
        says,
        {},
        grids=(measured_grid(says, {}), ours),
        drawings=_panels(item.key, source),
        origins=_origins(source),
    )


def _origins(source: Source) -> tuple[str, ...]:
    return tuple(sorted({one.result.phone.origin for one in source.finished}))


_MAKERS: dict[str, Callable[[Item, Published, Given], Section]] = {
    "table1": _table1,
    "table2": _sweep,
    "table3": _sweep,
    "table4": _arithmetic("Table 4", "Table 4, share"),
    "table5": _arithmetic("Table 5"),
    "table6": _table6,
    "table7": _table7,
    "table8": _table8,
    "table9": _arithmetic("Table 9", "Appendix D"),
    "figure2": _figure2,
    "figure3": _figure3,
    "figure4": _figure4,
    "figure5": _figure5,
}
