"""What an utterance takes from the battery, by the exit that it leaves at."""

from __future__ import annotations

import numpy as np

from harness.paper.given import Given, no_run, section_of, source_of
from harness.paper.items import Item
from harness.paper.sections import Cell, Grid, Head, Section
from harness.paper.systems.early_exit.tables import NO_PAGE, fixed_runs
from harness.readings.battery import charge_mah
from harness.report.cost import column
from harness.report.evaluation import Evaluation
from harness.report.numbers import fixed, spread

VIRTUAL = (
    "Energy needs a device: the battery of a virtual phone is a model and says nothing of one."
)
UNKNOWN = "No phone's counter of charge fell while it was evaluated on its battery."


def energy(item: Item, given: Given) -> Section:
    """Return the charge that an utterance took on devices, by exit."""
    source = source_of(item, given)
    if source is None or not source.finished:
        return section_of(item, NO_PAGE, {}, no_run(item, given), source)
    rows = []
    virtual = True
    for (model, name), own in fixed_runs(source).items():
        real = [e for e in own if e.attempt.result.phone.origin != "virtual"]
        virtual &= not real
        found = spread(taken_mah(evaluation) for evaluation in real)
        if found is not None:
            links = tuple(source.link(evaluation.attempt) for evaluation in real)
            cell = Cell("", fixed(found.median, 4), links, found.low, found.median, found.high)
            rows.append((f"{model}, {name}", (cell,)))
    if not rows:
        return section_of(item, NO_PAGE, {}, VIRTUAL if virtual else UNKNOWN, source)
    head = Head("Charge an utterance, mAh", "trend")
    grid = Grid("Jobs that leave always at one exit; the whole phone", (head,), tuple(rows))
    return section_of(item, NO_PAGE, {}, source=source, grids=(grid,))


def taken_mah(evaluation: Evaluation) -> float | None:
    """Return the fall of the phone's counter of charge while it evaluated, an utterance.

    None on power, with a battery that the phone was told of, or where the counter did not fall.
    """
    spans = [span for span in evaluation.attempt.result.phases if span.phase == "evaluate"]
    names = ("t_s", "battery_charge_counter", "battery_plugged", "battery_updates_stopped")
    samples = evaluation.attempt.read_samples(list(names))
    if not spans or not samples.num_rows:
        return None
    t_s, charge, plugged, stopped = (column(samples, name) for name in names)
    inside = (t_s >= spans[0].begin_s) & (t_s <= spans[-1].end_s)
    if np.nansum(plugged[inside]) or np.nansum(stopped[inside]):
        return None
    known = [charge_mah(int(value)) for value in charge[inside & np.isfinite(charge)]]
    if len(known) < 2 or known[0] is None or known[-1] is None or known[0] <= known[-1]:
        return None
    return (known[0] - known[-1]) / len(evaluation.rows)
