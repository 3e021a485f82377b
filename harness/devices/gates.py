"""Gates: the state that a phone must be in before it is measured.

A scenario writes ``gates: lab`` (or ``strict``, ``off``), or fields of its own over one of these::

    gates: {preset: strict, battery_percent_min: 50, mode: wait}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from harness.errors import InputError
from harness.yamlio import LineIndex, explain

TRAINER_PACKAGE = "org.mobileasr.trainer"

Preset = Literal["strict", "lab", "off"]
Seconds = Annotated[float, Field(ge=0, le=86_400)]


class Gates(BaseModel):
    """What is demanded; None demands nothing. The defaults are the preset ``lab``."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )

    booted: bool = True
    """Android has started."""
    trainer: bool = True
    """The trainer is installed."""
    trainer_version: str | None = None
    """And of this version (``*`` and ``?``)."""
    idle: bool = True
    """No other trainer runs."""
    battery_percent_min: float | None = Field(30.0, ge=0, le=100)
    """Percent of charge, at least."""
    battery_measured: bool = True
    """Nobody fakes the battery (``dumpsys battery set`` or ``unplug``)."""
    charging: bool | None = None
    """True: plugged in; False: on battery."""
    battery_c_max: float | None = Field(42.0, ge=0, le=80)
    """Temperature of the battery in °C, at most."""
    thermal_status_max: int | None = Field(1, ge=0, le=6)
    """0 none, 1 light, 2 moderate: from there on Android slows the phone down."""
    free_storage_mb_min: float | None = Field(512.0, ge=0)
    """MiB free where the work folder lies, at least."""
    available_mb_min: float | None = Field(None, ge=0)
    """MiB of MemAvailable, at least."""
    available_percent_of_idle_min: float | None = Field(None, ge=0, le=100)
    """MemAvailable as a share of the profile's idle figure: has somebody left apps open?"""
    power_save: bool | None = False
    """False: battery saver is off."""
    screen_on: bool | None = None
    """True: the screen is lit; False: it is dark."""
    doze: bool | None = False
    """False: Android does not hold apps back because the phone lies idle."""
    clock_off_s_max: float | None = Field(300.0, ge=0)
    """How far the phone's clock may be from the host's: its log and its files carry its time."""
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
        unknown = sorted(set(value) - set(GATE_NAMES))
        if unknown:
            raise ValueError(f"no gate {unknown[0]!r}; there are {', '.join(GATE_NAMES)}")
        return value


GATE_NAMES = tuple(
    name for name in Gates.model_fields if name not in ("mode", "poll_s", "limits_s")
)
"""What `judge` may name; ``docs/gates.md`` says why each is there."""

PRESETS: dict[str, Gates] = {
    "lab": Gates(),
    "strict": Gates(
        battery_percent_min=80.0,
        battery_c_max=35.0,
        thermal_status_max=0,
        free_storage_mb_min=1024.0,
        available_percent_of_idle_min=85.0,
        clock_off_s_max=10.0,
    ),
    "off": Gates(
        trainer=False,
        idle=False,
        battery_percent_min=None,
        battery_measured=False,
        battery_c_max=None,
        thermal_status_max=None,
        free_storage_mb_min=None,
        power_save=None,
        doze=None,
        clock_off_s_max=None,
    ),
}


def parse_gates(data: str | Mapping[str, Any], where: str = "gates") -> Gates:
    """Read the ``gates:`` of a scenario.

    Args:
        data: Name of a preset, or fields (``preset`` says over which; ``lab`` if none).
        where: How to call it in messages.

    Raises:
        InputError: An unknown preset, key or value.
    """
    fields: dict[str, Any] = {"preset": data} if isinstance(data, str) else dict(data)
    preset = fields.pop("preset", "lab")
    if preset not in PRESETS:
        raise InputError(
            f"no preset {preset!r}", where=where, hint=f"There are: {', '.join(PRESETS)}."
        )
    try:
        return Gates.model_validate({**PRESETS[preset].model_dump(), **fields})
    except ValidationError as error:
        raise explain(error, fields, LineIndex(where), Gates) from error
