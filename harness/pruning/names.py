"""The variants, by name."""

from __future__ import annotations

from typing import Literal

MatrixPattern = Literal["input_unit", "half_input_unit", "output_unit", "half_output_unit"]
"""What of a matrix is pruned as one: the paper's whole row, half row, whole column, half column."""

Pattern = Literal["cell", "input_unit", "half_input_unit", "output_unit", "half_output_unit"]
"""``cell``: a unit of the network, in all matrices that touch it; else see `MatrixPattern`."""

Halves = Literal["each", "joint"]
"""The same number of units goes in both halves; or they are ranked together."""

Score = Literal["weight", "momentum", "product"]
"""By what units are ranked: mean \\|w\\|, mean momentum of the rounds' changes, or of both."""

Schedule = Literal["constant", "stepped", "cubic"]
"""How the level rises."""

Density = Literal["uniform", "printed", "times_L", "clip_redistribute", "by_parameters"]
"""What share of each layer is kept."""

Phase = Literal["prune", "refine", "fine_tune"]
"""The level rises; it is there, and masks are chosen anew; masks are frozen."""
