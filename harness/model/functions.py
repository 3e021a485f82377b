"""Functions that tensorflow traces once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from harness.model.tensors import Tensor


def concrete(function: Callable[..., Any], **specs: Tensor) -> Tensor:
    """Return the concrete function of inputs of given shapes and types, by name."""
    return tf.function(function, autograph=False).get_concrete_function(**specs)
