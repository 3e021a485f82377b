"""The one name for a tensorflow tensor or variable in signatures of functions.

tensorflow ships no type stubs, so this is ``Any`` to the type checker and a word to the reader.
"""

from __future__ import annotations

from typing import Any, TypeAlias

Tensor: TypeAlias = Any
