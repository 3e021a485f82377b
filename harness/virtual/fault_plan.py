"""What shall go wrong on a farm's phones, and when: the YAML of ``--faults``.

One entry a fault: its name and values, the phones it's for, and its moment: ``at_s`` seconds after
the farm is up or, with ``after``, after something has happened on that phone. ``for_s`` seconds
later it's taken back. An entry happens once on each phone it's for. Orders to a running farm take
the same entries (:mod:`harness.virtual.farmctl`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Union

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from harness.virtual.faults import FaultError
from harness.yamlio import load_yaml, validate

Order = dict[str, Any]
Moment = Annotated[
    str,
    StringConstraints(
        pattern=r"^(boot|connect|shell|push|pull|trainer_start|trainer_end|lmkd_kill"
        r"|epoch \d{1,4})$"
    ),
]
"""``epoch N``: the trainer has evaluated epoch N (0: before training)."""

Seconds = Annotated[float, Field(ge=0, le=1e6)]


class _Fault(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    phone: str = "*"
    """Which phones: a pattern with ``*`` and ``?``; ``pixel-4-1`` is the first Pixel 4."""
    at_s: Seconds = 0.0
    after: Moment | None = None
    for_s: Seconds | None = None
    """How long; without it, for good (or as long as the fault takes by itself)."""

    order: ClassVar[str] = ""

    def begin(self) -> Order:
        """Return the order that makes it so."""
        values = self.model_dump(exclude=set(_Fault.model_fields) | {"fault"}, exclude_none=True)
        return {"do": self.order, **values}

    def end(self) -> Order | None:
        """Return the order that takes it back; None if it does so by itself or never."""
        return None


class Disconnect(_Fault):
    """The cable is out; processes of the phone go on."""

    fault: Literal["disconnect"]

    def begin(self) -> Order:  # noqa: D102
        return {"do": "lose_cable"} if self.for_s is None else {
            "do": "lose_cable", "seconds": self.for_s}  # fmt: skip


class _Switch(_Fault):
    def begin(self) -> Order:
        return {**super().begin(), "on": True}

    def end(self) -> Order | None:
        return {**super().begin(), "on": False}


class Offline(_Switch):
    """Connections are taken and nothing is answered: adb says ``offline``."""

    fault: Literal["offline"]
    order: ClassVar[str] = "silent"


class Unauthorized(_Switch):
    """The phone wants a key that nobody has."""

    fault: Literal["unauthorized"]
    order: ClassVar[str] = "unauthorized"


class HangService(_Switch):
    """One service of ``dumpsys`` (also as ``cmd``) doesn't answer."""

    fault: Literal["hang_service"]
    service: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_.]+$")]
    order: ClassVar[str] = "hang_service"


class Hang(_Fault):
    """The whole phone stands still."""

    fault: Literal["hang"]

    def begin(self) -> Order:  # noqa: D102
        return {"do": "hang"} if self.for_s is None else {"do": "hang", "seconds": self.for_s}


class _Level(_Fault):
    """A value that is 0 or absent when all is well."""

    def end(self) -> Order | None:
        return {"do": self.order, "off": True}


class SlowShell(_Level):
    """Each request of a host waits so long."""

    fault: Literal["slow_shell"]
    seconds: Seconds
    order: ClassVar[str] = "slow_shell"


class SlowCommands(_Level):
    """Each command that the system answers (``am``, ``pm``, ``dumpsys`` ...) waits so long."""

    fault: Literal["slow_commands"]
    seconds: Seconds
    order: ClassVar[str] = "slow_commands"


class GarbledOutput(_Level):
    """Of what commands print, this share of the bytes is wrong."""

    fault: Literal["garbled_output"]
    share: float = Field(0.02, gt=0, le=1)
    order: ClassVar[str] = "garble_output"


class TruncatedOutput(_Level):
    """A command's stream ends after so many bytes, without an exit code."""

    fault: Literal["truncated_output"]
    bytes: int = Field(ge=0)
    order: ClassVar[str] = "truncate_output"


class StorageFull(_Level):
    """So much can still be pushed or installed, no more."""

    fault: Literal["storage_full"]
    bytes: int = Field(0, ge=0)
    order: ClassVar[str] = "disk_full"


class Reboot(_Fault):
    """All processes end; the phone is back after so many seconds."""

    fault: Literal["reboot"]
    seconds: Seconds = 5.0
    order: ClassVar[str] = "reboot"


class LmkdKill(_Fault):
    """lmkd takes a process, whatever is available."""

    fault: Literal["lmkd_kill"]
    process: str = "org.mobileasr.trainer"
    order: ClassVar[str] = "kill"


class Battery(_Fault):
    """The battery is at another level, warmer, or plugged in or out; it goes on from there."""

    fault: Literal["battery"]
    percent: float | None = Field(None, ge=0, le=100)
    celsius: float | None = Field(None, ge=0, le=120)
    power: Literal["none", "usb", "ac"] | None = None
    order: ClassVar[str] = "battery"


class ClockJump(_Level):
    """The wall clock (``date``, the log) is so many seconds off; the boot clock isn't."""

    fault: Literal["clock_jump"]
    seconds: float = Field(ge=-1e9, le=1e9)
    order: ClassVar[str] = "clock_jump"


class PushBreaks(_Fault):
    """The cable goes after so many bytes of the next push, and is back at once."""

    fault: Literal["push_breaks"]
    bytes: int = Field(ge=0)
    order: ClassVar[str] = "push_breaks"


class AirplaneMode(_Switch):
    """Airplane mode is on."""

    fault: Literal["airplane_mode"]
    order: ClassVar[str] = "airplane_mode"


Fault = Annotated[
    Union[  # noqa: UP007 - pydantic needs a runtime union under Python 3.10 too
        Disconnect,
        Offline,
        Unauthorized,
        HangService,
        Hang,
        SlowShell,
        SlowCommands,
        GarbledOutput,
        TruncatedOutput,
        StorageFull,
        Reboot,
        LmkdKill,
        Battery,
        ClockJump,
        PushBreaks,
        AirplaneMode,
    ],
    Field(discriminator="fault"),
]

_ADAPTER: TypeAdapter[Any] = TypeAdapter(Fault)


class FaultPlan(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    faults: tuple[Fault, ...] = Field(min_length=1)


def read_plan(path: Path) -> FaultPlan:
    """Read a file of faults.

    Raises:
        InputError: It can't be used: file, line, field and why.
    """
    data, index = load_yaml(path)
    return validate(FaultPlan, data, index)


def parse_fault(values: Mapping[str, Any]) -> _Fault:
    """Read one fault.

    Raises:
        FaultError: It isn't one.
    """
    try:
        fault: _Fault = _ADAPTER.validate_python(dict(values))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise FaultError(f"{where}: {first['msg']}" if where else str(first["msg"])) from None
    return fault
