"""The same network in ordinary tensorflow, to compare and to time."""

from harness.model.conformer.reference.contestants import reference

__all__ = ["reference"]
