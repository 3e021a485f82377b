"""What a scenario demands of a phone: its ``gates:``, read into one model.

A scenario writes ``gates: lab`` (or ``strict``, ``off``), or fields of its own over one of these::

    gates: {preset: strict, battery_percent_min: 50, mode: wait}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, field_validator

from harness import plugins
from harness.devices.gates.declared import Gate
from harness.devices.gates.judged import declared_gates, own_gates
from harness.errors import InputError
from harness.yamlio import LineIndex, explain

Preset = Literal["strict", "lab", "off"]
Seconds = Annotated[float, Field(ge=0, le=86_400)]


class GateRules(BaseModel):
    """What holds for all gates; each gate adds a field of its own."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )

    mode: Literal["wait", "skip", "fail", "note"] = "wait"
    """wait: until it is so or time is over; skip: the job goes to another phone that fits; fail:
    at once; note: go on as it is and say so."""
    poll_s: float = Field(5.0, gt=0, le=600)
    """Seconds between two looks at a shut gate."""
    limits_s: dict[str, Seconds] = Field(default_factory=dict)
    """Gate -> how long to wait for it, where it is not the scenario's ``limits.gate_s``."""

    @field_validator("limits_s")
    @classmethod
    def _gates_that_exist(cls, value: dict[str, float]) -> dict[str, float]:
        names = [gate.name for gate in declared_gates()]
        unknown = sorted(set(value) - set(names))
        if unknown:
            raise ValueError(f"no gate {unknown[0]!r}; there are {', '.join(names)}")
        return value


def _fields(gates: Iterable[Gate]) -> dict[str, Any]:
    return {
        gate.name: (gate.type, Field(gate.lab, description=gate.meaning, **gate.limits))
        for gate in gates
    }


if TYPE_CHECKING:

    class Gates(GateRules):
        """What is demanded; None demands nothing. The defaults are the preset ``lab``."""

        def __init__(self, **demands: Any) -> None: ...
        def __getattr__(self, gate: str) -> Any: ...
else:
    Gates = create_model(
        "Gates",
        __base__=GateRules,
        __doc__="What is demanded; None demands nothing. The defaults are the preset ``lab``.",
        __module__=__name__,
        **_fields(own_gates()),
    )

GATE_NAMES = tuple(gate.name for gate in own_gates())
"""The gates of this package; ``docs/gates.md`` says why each is there."""


@cache
def gates_model() -> type[Gates]:
    """Return what a scenario's ``gates:`` are read into: with the gates of plug-ins."""
    added = [gate for gate in declared_gates() if gate.name not in GATE_NAMES]
    if not added:
        return Gates
    return create_model("Gates", __base__=Gates, __doc__=Gates.__doc__, **_fields(added))


@cache
def preset(name: str) -> Gates:
    """Return what a preset demands."""
    demands = {gate.name: getattr(gate, name) for gate in declared_gates()}
    return gates_model().model_validate(demands)


PRESETS: tuple[Preset, ...] = ("lab", "strict", "off")
"""Their names."""


def parse_gates(data: str | Mapping[str, Any], where: str = "gates") -> Gates:
    """Read the ``gates:`` of a scenario.

    Args:
        data: Name of a preset, or fields (``preset`` says over which; ``lab`` if none).
        where: How to call it in messages.

    Raises:
        InputError: An unknown preset, key or value.
    """
    fields: dict[str, Any] = {"preset": data} if isinstance(data, str) else dict(data)
    name = fields.pop("preset", "lab")
    if name not in PRESETS:
        raise InputError(
            f"no preset {name!r}", where=where, hint=f"There are: {', '.join(PRESETS)}."
        )
    model = gates_model()
    try:
        return model.model_validate({**preset(name).model_dump(), **fields})
    except ValidationError as error:
        told = explain(error, fields, LineIndex(where), model)
        left_out = filter(None, (plugins.problem_of(plugins.GATES, name) for name in fields))
        hint = "\n  ".join(filter(None, (told.hint, *left_out)))
        # the fields of a mapping that was handed over have no lines of their own
        place = told.where.replace(f"{where}:1: ", f"{where}.")
        raise InputError(told.what, where=place, hint=hint) from error
