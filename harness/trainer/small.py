"""Weights of an ``.npz`` that are packed: what stands in the file beside NumPy's arrays.

``NAME.codes`` holds a packed weight (`harness.compression.packed`), ``wire.json`` says of each its
coding and its shape. A file without ``wire.json`` is one as NumPy writes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError

from harness.contract.base import Message

LIST: Final = "wire.json"
CODES_SUFFIX: Final = ".codes"
MAX_LIST_BYTES: Final = 1 << 22


class _Variable(Message):
    coding: str
    shape: tuple[int, ...]


class _List(Message):
    version: int = 1
    variables: dict[str, _Variable]


def listed(small: Mapping[str, tuple[str, tuple[int, ...]]]) -> str:
    """Return ``wire.json``.

    Args:
        small: Name -> coding and shape.
    """
    return json.dumps(
        {
            "version": 1,
            "variables": {
                name: {"coding": coding, "shape": shape} for name, (coding, shape) in small.items()
            },
        }
    )


def read_list(text: bytes) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Return name -> coding and shape.

    Raises:
        ValueError: It is no such text, or of a version that is not known.
    """
    try:
        content = _List.model_validate_json(text)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise ValueError(f"{LIST}: {problem['msg']}") from error
    if content.version != 1:
        raise ValueError(f"{LIST} is of version {content.version}: update the harness")
    if any(min(variable.shape, default=0) < 0 for variable in content.variables.values()):
        raise ValueError(f"{LIST} names a shape that cannot be")
    return {name: (each.coding, each.shape) for name, each in content.variables.items()}
