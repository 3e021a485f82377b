"""Whether what starts from several baselines can be compared."""

from __future__ import annotations

from collections.abc import Sequence

from harness.errors import InputError
from harness.lab.planning.needs import JobNeeds


def check_baselines(jobs: Sequence[JobNeeds]) -> None:
    """Refuse baselines whose word error rates would be of different tasks.

    Args:
        jobs: All jobs of a run, or of a part of it.

    Raises:
        InputError: One writes with another alphabet than the first, or is of another family.
    """
    models = {job.spec.content.baseline: job.model.manifest for job in jobs}
    models.pop(None, None)
    if not models:
        return
    (first_name, first), *others = models.items()
    for name, manifest in others:
        where = f"baselines.{name}"
        if manifest.network.layer_names != first.network.layer_names:
            raise InputError(
                f"{manifest.name} is a network of other layers than {first_name}'s {first.name}",
                where=where,
                hint="Baselines are compared, so they are of one family; `model.name` may be an "
                "axis of any models.",
            )
        if manifest.alphabet != first.alphabet:
            only = sorted(set(manifest.alphabet) ^ set(first.alphabet))
            raise InputError(
                f"{manifest.name} writes with another alphabet than {first_name}'s {first.name}: "
                f"they differ in {' '.join(map(repr, only)) or 'the order of their letters'}",
                where=where,
                hint="'harness model pretrain' with --init encoder:FILE makes a baseline of the "
                "same alphabet from one of another.",
            )
        if not manifest.network.writes_as(first.network):
            raise InputError(
                f"{manifest.name} writes {manifest.network.in_words}, {first_name}'s {first.name} "
                f"{first.network.in_words}, and not the same pieces",
                where=where,
                hint="'harness model pretrain' with --pieces MODEL makes a baseline of the pieces "
                "of another.",
            )
