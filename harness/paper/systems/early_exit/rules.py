"""Claims about early exits, judged by what was measured, with intervals."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from harness.metrics.exits import Heard, halves
from harness.metrics.exits import Judged as OnCurve
from harness.paper.claims import Judged, Rule
from harness.paper.differences import NOTHING, Found, together
from harness.paper.measure import Source
from harness.paper.systems.early_exit.heard import answered, whole
from harness.paper.systems.early_exit.recipes import ADDED, JOINT, PLAIN, SINGLE
from harness.paper.systems.early_exit.tables import fixed_runs, seconds_of
from harness.report.evaluation import Evaluation
from harness.report.leaving import by_threshold, fixed_at, points
from harness.results.wer_difference import wer_difference


def falls_with_depth(source: Source) -> Judged:
    """Last exit below the first one, and no exit clearly above the one before it."""
    ends: dict[str, Found] = {}
    rises: dict[str, Found] = {}
    for evaluation in filter(whole, answered(source)):
        by_exit = [
            evaluation.utterances(fixed_at(place), evaluation.heard)
            for place in range(len(evaluation.exits))
        ]
        ends[evaluation.name] = wer_difference(by_exit[0], by_exit[-1])
        for (lower, below), (upper, above) in pairwise(zip(evaluation.exits, by_exit, strict=True)):
            found = wer_difference(below, above)
            if found is not None and found.low_points > 0:
                rises[f"{evaluation.name}, from {lower.name} to {upper.name},"] = found
    verdict, told = together(ends)
    if rises:
        return "does not hold", together(rises)[1]
    return verdict, f"From the first exit to the last. {told}" if ends else told


def posterior_in_the_middle(source: Source) -> Judged:
    """Posterior no worse than entropy at the mean depth half way between first and last exit."""
    differences: dict[str, Found] = {}
    for evaluation in filter(whole, answered(source)):
        entropy, posterior = points(evaluation, "entropy"), points(evaluation, "posterior")
        if entropy and posterior:
            middle = (evaluation.depths[0] + evaluation.depths[-1]) / 2
            _, judging = halves(evaluation.heard)
            first = by_threshold("entropy", nearest(entropy, middle).threshold)
            second = by_threshold("posterior", nearest(posterior, middle).threshold)
            differences[evaluation.name] = wer_difference(
                evaluation.utterances(first, judging), evaluation.utterances(second, judging)
            )
    if not differences:
        return "cannot be said", "No answers with both an entropy and a posterior."
    return together(differences, ties=True)


def nearest(along: tuple[OnCurve, ...], depth: float) -> OnCurve:
    """Return the point of a curve that lies nearest to a mean depth, where it was chosen."""
    return min(along, key=lambda point: abs(point.chosen_on.depth - depth))


def seconds_grow(source: Source) -> Judged:
    """Least of the repeats' median seconds, from exit to exit."""
    by_model: dict[str, list[tuple[int, str, float]]] = {}
    for (model, name), own in fixed_runs(source).items():
        depth = own[0].attempt.network.exit(name).depth
        by_model.setdefault(model, []).append((depth, name, min(map(seconds_of, own))))
    told, grows = [], True
    for model, found in by_model.items():
        if len(found) < 2:
            continue
        exits = sorted(found)
        grows &= all(before < after for (*_, before), (*_, after) in pairwise(exits))
        told.append(f"{model}: " + "; ".join(f"{n} → {1000 * s:.3g} ms" for _, n, s in exits))
    if not told:
        return NOTHING
    return ("holds" if grows else "does not hold"), " | ".join(told) + "."


def _against(source: Source, lower: str, higher: str, place: int) -> dict[str, Found]:
    """Return the WER of one model less another's at one exit, by speaker that both heard."""
    by_model: dict[tuple[str, str], Evaluation] = {
        (e.attempt.result.model_name, e.attempt.result.speaker): e for e in answered(source)
    }
    found: dict[str, Found] = {}
    for (model, speaker), evaluation in by_model.items():
        other = by_model.get((higher, speaker))
        if model == lower and other is not None:
            sides = [e.utterances(_at(e, place), e.heard) for e in (other, evaluation)]
            found[f"{speaker}, {lower} less {higher},"] = wer_difference(sides[0], sides[1])
    return found


def _at(evaluation: Evaluation, place: int) -> Callable[[Heard], int]:
    return fixed_at(place % len(evaluation.exits))


def _models(lower: str, higher: str, place: int) -> Rule:
    def rule(source: Source) -> Judged:
        found = _against(source, lower, higher, place)
        if not found:
            return "cannot be said", f"{lower} and {higher} were not both heard."
        return together(found)

    return rule


RULES: dict[str, Rule] = {
    "falls_with_depth": falls_with_depth,
    "posterior_in_the_middle": posterior_in_the_middle,
    "seconds_grow": seconds_grow,
    "joint_beats_single_at_last": _models(JOINT, SINGLE["last"], -1),
    "joint_loses_at_first": _models(SINGLE["first"], JOINT, 0),
    "adding_hurts_last": _models(PLAIN, ADDED, -1),
}
"""The file's names -> what judges them."""
