"""What a scenario says of checkpoints that lie on the phone in fewer bits."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from harness.contract.wire import (
    Exponent,
    Kind,
    Per,
    Rounding,
    Variables,
    Wire,
)
from harness.scenario.base import Count, Flag, Number, Section, first_reason
from harness.scenario.compression import KnownFormat


class Stored(Section):
    """How the phone writes its checkpoints; mirrors `harness.contract.wire`."""

    format: KnownFormat
    """``S1E3M7``: a floating-point number of a sign, 3 bits of exponent and 7 of mantissa (2 to 8,
    and 1 to 15); ``int8``, ``int6``, ``int4``: whole numbers times a scale."""
    kind: Kind = "fn"
    """``ieee`` keeps the top exponent for infinity and NaN, as float16 does; ``fn`` does not."""
    exponent: Exponent = "fitted"
    """``fitted``: moved by a power of two to where a variable's numbers are; ``conventional``: not.
    """
    rounding: Rounding = "nearest_even"
    """A checkpoint is written once from what was trained, and nothing adds up: the nearest number
    loses least."""
    subnormals: Flag = True
    """Without them, what is smaller than the smallest normal number becomes zero."""
    transform: Flag = False
    """A scale and a bias a variable, by least squares (OMC)."""
    per: Per = "tensor"
    """Of ``intN``: what has a scale; ``column`` is an output unit."""
    variables: Variables = "weights"
    """``all``: biases and norms too."""
    share: Number = Field(1.0, gt=0, le=1)
    """Of the variables, so many are written small."""
    seed: Count = Field(0, ge=0)
    """Of that choice and of rounding by lot."""

    @model_serializer(mode="wrap")
    def _says_what_is_asked(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is as it would be: an axis of the matrix then says what differs."""
        fields, written = type(self).model_fields, write(self)
        return {name: value for name, value in written.items() if value != fields[name].default}

    @model_validator(mode="after")
    def _can_be(self) -> Stored:
        self.as_wire()
        return self

    @property
    def label(self) -> str:
        """In a few words, the same for the same: ``S1E3M7 rounding stochastic``."""
        more = {name: value for name, value in self.model_dump().items() if name != "format"}
        return " ".join([self.format, *(f"{name} {value}" for name, value in more.items())])

    def as_wire(self) -> Wire:
        """Return what a job file says.

        Raises:
            ValueError: Its fields contradict each other.
        """
        fields = {name: getattr(self, name) for name in type(self).model_fields if name != "seed"}
        try:
            return Wire(**fields, draw=str(self.seed))
        except ValidationError as error:
            raise ValueError(first_reason(error)) from error


def _format_alone(value: Any) -> Any:
    return {"format": value} if isinstance(value, str) else value


StoredOrFormat = Annotated[Stored, BeforeValidator(_format_alone)]
"""A word alone is the format."""
