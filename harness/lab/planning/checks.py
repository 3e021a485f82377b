"""What a scenario says about phones and gates, checked before any phone is looked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel, ConfigDict

from harness.devices.gates import parse_gates
from harness.devices.profile import DeviceProfile, load_profile
from harness.devices.requirements import Demands
from harness.errors import InputError
from harness.scenario import JobContent, JobSpec, LoadedScenario
from harness.scenario.paths import is_known
from harness.yamlio import validate


@contextmanager
def located(loaded: LoadedScenario) -> Iterator[None]:
    """Give an error that names only a field (``model.name``) its file and line.

    Raises:
        InputError: What was raised inside, with its place.
    """
    try:
        yield
    except InputError as error:
        path, colon, rest = error.where.partition(":")
        if not is_known(path, JobContent):
            raise
        written = ("matrix", path) if path in loaded.matrix.axes else tuple(path.split("."))
        where = f"{loaded.where(written)}{colon}{rest}"
        raise InputError(error.what, where=where, hint=error.hint) from error


class _Phones(BaseModel):
    model_config = ConfigDict(extra="ignore")

    phones: Demands = Demands()


def check_demands(loaded: LoadedScenario, specs: Sequence[JobSpec]) -> None:
    """Check ``phones`` and ``gates`` of a scenario and of all its jobs.

    Raises:
        InputError: An unknown key or value, or a profile that there is not, with its line.
    """
    seen: set[str] = set()
    _check(loaded, loaded.scenario.phones, seen)
    _gates(loaded, loaded.scenario)
    for spec in specs:
        _check(loaded, spec.content.phones, seen)
        _gates(loaded, spec.content)
        for avoided in spec.avoid:
            _check(loaded, avoided, seen)


def _check(loaded: LoadedScenario, phones: dict[str, Any], seen: set[str]) -> None:
    demands = validate(_Phones, {"phones": phones}, loaded.lines).phones
    for name in demands.profile or ():
        if name not in seen and not set("*?[") & set(name):
            _known_profile(name, loaded.where(("phones", "profile")))
        seen.add(name)


def _known_profile(name: str, where: str) -> DeviceProfile:
    try:
        return load_profile(name)
    except InputError as error:
        raise InputError(error.what, where=error.where or where, hint=error.hint) from error


def _gates(loaded: LoadedScenario, content: JobContent) -> None:
    where = loaded.where(("gates",))
    wanted = parse_gates(content.gates, where)
    if wanted.screen_on is False and content.settings.stay_awake is not False:
        raise InputError(
            "screen_on: false, but settings.stay_awake keeps the screen on",
            where=where,
            hint="Add settings: {stay_awake: false}.",
        )
