"""How weights are written smaller: what a job asks for and what both trainers can do."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints, model_validator

from harness.contract.base import Message

FLOAT32: Final = "float32"
MAX_EXPONENT_BITS: Final = 8
MAX_MANTISSA_BITS: Final = 15
_FLOAT: Final = re.compile(r"S1E([2-8])M([1-9]|1[0-5])")
_INTEGER: Final = re.compile(r"int([468])")
_NAME: Final = r"^(S1E[2-8]M([1-9]|1[0-5])|int[468]|float32)$"

FormatName = Annotated[str, StringConstraints(pattern=_NAME)]
"""``S1E3M7``: a floating-point number of a sign, 3 bits of exponent and 7 of mantissa (2 to 8, and
1 to 15); ``int8``, ``int6``, ``int4``: whole numbers times a scale; ``float32``: all bits, the
bytes of like place beside each other and deflated, so that nothing is lost."""
Kind = Literal["fn", "ieee"]
"""``fn``: every code is a finite number (OCP MX); ``ieee``: the top exponent is infinity and NaN,
as in float16, and is never written."""
Exponent = Literal["fitted", "conventional"]
"""``fitted``: the range is moved by a power of two so that a variable's largest number lies in the
top binade; ``conventional``: the bias is 2^(e-1) - 1."""
Rounding = Literal["stochastic", "nearest_even", "nearest_away"]
"""``stochastic``: up or down by lot, so that small steps arrive on average."""
Per = Literal["tensor", "column", "row"]
"""What has a scale of its own, of a matrix of inputs by outputs: ``column`` is an output unit."""
Variables = Literal["weights", "all"]
"""``weights``: matrices and kernels; biases and norms, few and sensitive, stay as they are."""


def float_bits(name: str) -> tuple[int, int] | None:
    """Return the bits of exponent and mantissa; None: it is no S1EeMm."""
    match = _FLOAT.fullmatch(name)
    return None if match is None else (int(match[1]), int(match[2]))


def bits_of(name: str) -> int:
    """Return how many bits a number takes; of float32 before it is deflated.

    Raises:
        ValueError: There is no such format.
    """
    if name == FLOAT32:
        return 32
    floating = float_bits(name)
    if floating is not None:
        return 1 + sum(floating)
    match = _INTEGER.fullmatch(name)
    if match is None:
        raise ValueError(
            f"{name} is no format: give float32, int8, int6, int4 or S1EeMm, of 2 to 8 bits of "
            "exponent and 1 to 15 of mantissa"
        )
    return int(match[1])


class Wire(Message):
    """How a job's weights travel: ``share.wire`` of ``job.json``."""

    format: FormatName
    kind: Kind = "fn"
    """Of S1EeMm."""
    exponent: Exponent = "fitted"
    """Of S1EeMm."""
    rounding: Rounding = "stochastic"
    subnormals: bool = True
    """Of S1EeMm; without them, what is smaller than the smallest normal number becomes zero."""
    transform: bool = False
    """Of S1EeMm: a scale and a bias by least squares beside the codes (OMC)."""
    per: Per = "tensor"
    """Of intN."""
    variables: Variables = "weights"
    share: float = Field(1.0, gt=0, le=1)
    """Of the variables that could be written smaller, so many are (partial variable
    quantisation); which ones says ``draw``."""
    draw: str = Field("", max_length=256)
    """Seed, round and client in a text: of the choice of variables and of stochastic rounding."""

    @model_validator(mode="after")
    def _only_what_the_format_has(self) -> Wire:
        if float_bits(self.format) is None:
            odd = [name for name in _FLOAT_ONLY if getattr(self, name) != _FLOAT_ONLY[name]]
            if odd:
                raise ValueError(f"{odd[0]} is for S1EeMm, not for {self.format}")
        if self.per != "tensor" and _INTEGER.fullmatch(self.format) is None:
            raise ValueError(f"per: {self.per} is for int8, int6 and int4, not for {self.format}")
        return self


_FLOAT_ONLY: Final = {
    "kind": "fn",
    "exponent": "fitted",
    "subnormals": True,
    "transform": False,
}


class Written(Message):
    """What writing weights smaller did to them: in the events ``update`` and ``checkpoint``."""

    coding: str
    """How its small variables are read: ``S1E3M7/fn``, ``int8/column``."""
    variables: int = Field(ge=0)
    """How many variables are written small."""
    changed: float | None = Field(ge=0, le=1)
    """Share of their codes that training changed against what was sent: of differences, those that
    are not zero. Zero: training stood still. Null: no variable is written small, what was sent is
    not known, or it is a checkpoint."""
    error: float = Field(ge=0)
    """Root of the mean square of what small variables lost, by that of the variables."""
    float32_bytes: int = Field(ge=0)
    """Of all variables of the file, as float32."""
