"""Whether what starts from several baselines can be compared."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from harness.errors import InputError
from harness.lab.planning.models import Models
from harness.scenario import JobSpec, LoadedScenario
from harness.scenario.task import Task
from harness.trainer.manifest import ModelManifest

_SPEAKER = "data.speaker"


def check_baselines(tasks: Iterable[Task], models: Models) -> None:
    """Refuse baselines that are not there, or whose word error rates would be of different tasks.

    Args:
        tasks: All jobs of a run, or of a part of it.
        models: Where models are found.

    Raises:
        InputError: A model or its weights cannot be used, one writes with another alphabet than the
            first, or is of another family.
    """
    manifests: dict[str, ModelManifest] = {}
    for task in tasks:
        name, choice = task.job.content.baseline, task.job.content.model
        if name is None or name in manifests:
            continue
        try:
            model = models.model(choice)
            models.start(choice, model)
        except InputError as error:
            field, _, rest = error.where.partition(": ")
            file = rest if field.startswith("model.") else error.where
            where = f"baselines.{name}{f': {file}' if file else ''}"
            raise InputError(error.what, where=where, hint=error.hint) from error
        manifests[name] = model.manifest
    check_alike(manifests)


def check_alike(manifests: Mapping[str, ModelManifest]) -> None:
    """Refuse baselines whose word error rates would be of different tasks.

    Args:
        manifests: By the names of the baselines.

    Raises:
        InputError: One writes with another alphabet than the first, or is of another family.
    """
    if not manifests:
        return
    (first_name, first), *others = manifests.items()
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


def check_compared(loaded: LoadedScenario, specs: Sequence[JobSpec]) -> None:
    """Refuse a baseline of WERR that no other job is like: nothing would be compared with it.

    Args:
        loaded: The scenario.
        specs: All of its jobs, or those of a part of it.

    Raises:
        InputError: Each job differs from the baseline's in something else, too.
    """
    asked = loaded.scenario.report
    if asked is None or not isinstance(asked.baseline, dict):
        return
    named = {path: _text(value) for path, value in asked.baseline.items()}

    def of_baseline(spec: JobSpec) -> bool:
        return all(_text(spec.axes.get(path)) == value for path, value in named.items())

    base = [spec for spec in specs if of_baseline(spec)]
    others = [spec for spec in specs if not of_baseline(spec)]
    if not base or not others:  # a part of the scenario
        return
    keys = {_alike(spec, asked.baseline) for spec in base}
    if any(_alike(spec, asked.baseline) in keys for spec in others):
        return
    differ = [
        path
        for path in dict.fromkeys(path for spec in specs for path in spec.axes)
        if path not in named
        and {_text(spec.axes.get(path)) for spec in base}.isdisjoint(
            _text(spec.axes.get(path)) for spec in others
        )
    ]
    values = ", ".join(f"{path} {value}" for path, value in asked.baseline.items())
    also = f": each differs from it in {', '.join(differ)}, too" if differ else ""
    raise InputError(
        f"no other job is like the baseline's ({values}){also}",
        where=loaded.where(("report", "baseline")),
        hint="Compared are jobs that differ in nothing but what the baseline names: add its jobs "
        "for the others' settings to the matrix, or write baseline: before.",
    )


def _alike(spec: JobSpec, but_for: Mapping[str, object]) -> str:
    """Return what jobs have in common that are compared; a federated training has many speakers."""
    axes = {path: value for path, value in spec.axes.items() if path not in but_for}
    speaker = spec.content.data.speaker if spec.content.federated is None else ""
    if spec.content.federated is not None:
        axes.pop(_SPEAKER, None)
    return _text([speaker, spec.round, axes])


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)
