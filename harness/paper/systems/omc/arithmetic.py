"""What share of a model has to be in few bits for a ratio that is printed (pure)."""

from __future__ import annotations


def ratio(bits: int, share: float) -> float:
    """Return the bytes of a model of which a share is in so many bits, by those of float32."""
    return share * bits / 32 + 1 - share


def shares_for(bits: int, percent: int) -> tuple[float, float]:
    """Return between which shares a ratio is printed as so many whole percents."""
    least, most = ((100 - percent + step) / 100 / (1 - bits / 32) for step in (-0.5, 0.5))
    return least, most


def model_size(saved: float, percent: float) -> float:
    """Return the size of a model of which so much was saved, in the unit of what was saved."""
    return 100 * saved / percent


def compressed_share(bits: int, percent_saved: float) -> float:
    """Return the share of a model that has to be in so many bits to save so much of it, %."""
    return percent_saved / (1 - bits / 32)
