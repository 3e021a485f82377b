"""What a scenario says of weights that travel in fewer bits (docs/compression.md)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from harness.contract.share import Form
from harness.contract.wire import (
    FLOAT32,
    Exponent,
    FormatName,
    Kind,
    Per,
    Rounding,
    Variables,
    Wire,
    bits_of,
    float_bits,
)
from harness.scenario.base import Count, Flag, Number, Section

Direction = Literal["down", "up"]
Ways = Literal["both", "down", "up"]


def _known(name: Any) -> Any:
    """Say what a format is, before its pattern is asked."""
    if isinstance(name, str):
        bits_of(name)
    return name


KnownFormat = Annotated[FormatName, BeforeValidator(_known)]
"""A format that there is, told before its pattern is asked."""


class Compression(Section):
    """Weights travel in fewer bits, to the phones and back; the server keeps float32."""

    format: KnownFormat
    """``S1E3M7``: a floating-point number of a sign, 3 bits of exponent and 7 of mantissa (2 to 8,
    and 1 to 15); ``int8``, ``int6``, ``int4``: whole numbers times a scale; ``float32``: all bits,
    deflated, so that nothing is lost."""
    ways: Ways = "both"
    """``down``: to the phones alone (FedAQT); ``up``: from them alone."""
    upload: Form | None = None
    """What goes back small: ``delta``, the difference from what was sent, or ``weights``. Left out:
    ``delta``."""
    variant: Literal["lab", "as_printed"] = "lab"
    """``as_printed`` is OMC as its paper has it, where fields are left out: the conventional
    exponent, rounding to the nearest, a scale and a bias, weights going back."""
    kind: Kind = "fn"
    """``ieee`` keeps the top exponent for infinity and NaN, as float16 does; ``fn`` does not."""
    exponent: Exponent | None = None
    """``fitted``: moved by a power of two to where a variable's numbers are; ``conventional``: not.
    Left out: ``fitted``."""
    rounding: Rounding | None = None
    """``stochastic`` (by lot), ``nearest_even`` or ``nearest_away``. Left out: down to the nearest,
    since the server keeps its float32; up by lot, so that small steps arrive on average."""
    subnormals: Flag = True
    """Without them, what is smaller than the smallest normal number becomes zero."""
    transform: Flag | None = None
    """A scale and a bias a variable, by least squares (OMC). Left out: no."""
    per: Per = "tensor"
    """Of ``intN``: what has a scale; ``column`` is an output unit."""
    variables: Variables = "weights"
    """``all``: biases and norms too."""
    share: Number = Field(1.0, gt=0, le=1)
    """Of the variables, so many travel small, others for each client and round (partial variable
    quantisation)."""
    seed: Count = Field(0, ge=0)
    """Of that choice and of rounding by lot."""

    @model_serializer(mode="wrap")
    def _says_what_is_asked(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is as it would be: an axis of the matrix then says what differs."""
        fields, written = type(self).model_fields, write(self)
        return {name: value for name, value in written.items() if value != fields[name].default}

    @model_validator(mode="before")
    @classmethod
    def _a_word_is_a_format(cls, value: Any) -> Any:
        return {"format": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _can_be(self) -> Compression:
        if float_bits(self.format) is None:
            odd = [name for name in ("exponent", "transform") if getattr(self, name) is not None]
            if odd:
                raise ValueError(f"{odd[0]} is for S1EeMm, not for {self.format}")
        if self.format == FLOAT32 and self.rounding is not None:
            raise ValueError("rounding is for fewer bits: float32 loses nothing")
        if self.upload is not None and not self.goes("up"):
            raise ValueError("upload is for what goes back small: ways is down")
        self.wire("down", 0, "")
        return self

    def goes(self, direction: Direction) -> bool:
        """Return whether weights travel small that way."""
        return self.ways in ("both", direction)

    @property
    def settled_upload(self) -> Form:
        """What goes back."""
        if self.upload is not None:
            return self.upload
        return "weights" if self.variant == "as_printed" or not self.goes("up") else "delta"

    @property
    def by_client(self) -> bool:
        """Whether each client is sent another file."""
        return self.share < 1 and self.goes("down")

    def wire(self, direction: Direction, round_: int, client: str) -> Wire:
        """Return how weights are written.

        Args:
            direction: Which way.
            round_: In which round they are trained, from 1.
            client: By whom; empty: what is the same for all, in which nothing is left out.
        """
        floating = float_bits(self.format) is not None
        printed = self.variant == "as_printed"
        near: Rounding = "nearest_even" if printed or direction == "down" else "stochastic"
        exponent: Exponent = "conventional" if printed and floating else "fitted"
        transform = printed and floating if self.transform is None else self.transform
        return Wire(
            format=self.format,
            kind=self.kind,
            exponent=self.exponent or exponent,
            rounding=self.rounding or near,
            subnormals=self.subnormals,
            transform=transform,
            per=self.per,
            variables=self.variables,
            share=self.share if client else 1.0,
            draw=f"{self.seed}:{round_}:{client}",
        )

    def ratio(self, direction: Direction) -> float:
        """Return the bytes that travel, by those of float32, as if all variables could be small."""
        if not self.goes(direction):
            return 1.0
        return self.share * bits_of(self.format) / 32 + 1 - self.share

    @property
    def label(self) -> str:
        """In a few words."""
        way = {"both": "both ways", "down": "down", "up": "up"}[self.ways]
        part = "" if self.share == 1 else f", {self.share:.0%} of the variables"
        return f"{self.format} {way}{part}"
