"""The common shape of every section of a scenario, and its number types.

Numbers are strict: ``epochs: "3"`` or ``epochs: true`` is an error, not a 3 or a 1.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Strict,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)


class Section(BaseModel):
    """Base of all sections: frozen, no unknown keys, finite numbers only.

    The text under a field is its description in the JSON schema and in the scenario reference.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


def first_reason(error: ValidationError) -> str:
    """Return the first thing that is wrong, in the words of what checked it."""
    return error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Count = Annotated[int, Strict()]
Number = Annotated[float, Strict()]
Flag = Annotated[bool, Strict()]
CorpusName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)?$", max_length=60),
]
"""``accents``, ``speech/it``."""
Words = Annotated[
    tuple[str, ...],
    BeforeValidator(_one_or_many),
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        mode="validation",
    ),
]
"""A list of words; a single word may be written without brackets."""
