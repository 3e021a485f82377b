"""The sub-models that a job names, against those that its model's network has (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.contract.mobileasr import default_candidates
from harness.contract.network import Network
from harness.errors import InputError
from harness.scenario.paths import suggestion
from harness.scenario.schema import AUTO, JobContent, Trainer


def candidates_of(trainer: Trainer, network: Network) -> tuple[str, ...]:
    """Return what ``auto`` chooses from, the largest sub-model first."""
    return trainer.candidates or default_candidates(network)


def largest_of(content: JobContent, network: Network) -> str:
    """Return the largest sub-model that a job may come to train."""
    if content.trainer.sub_model != AUTO:
        return content.trainer.sub_model
    fits = content.pressure.fits if content.pressure else None
    return fits or candidates_of(content.trainer, network)[0]


def check_names(content: JobContent, network: Network) -> None:
    """Check that a network has the sub-models that a job names, candidates in its order.

    Raises:
        InputError: ``where`` is the dotted path of the field; the hint lists what there is.
    """
    for field, name in _named(content):
        if name not in network.sub_model_names:
            raise InputError(
                f"the network has no sub-model {name!r}",
                where=field,
                hint=known_names(name, network.sub_model_names),
            )
    candidates = candidates_of(content.trainer, network)
    ordered = [name for name in network.sub_model_names if name in candidates]
    if list(candidates) != ordered:
        raise InputError(
            f"candidates go from the largest to the smallest, each once: {', '.join(candidates)}",
            where="trainer.candidates",
            hint=f"Write [{', '.join(ordered)}].",
        )
    fits = content.pressure.fits if content.pressure else None
    if fits and content.trainer.sub_model == AUTO and fits not in candidates:
        raise InputError(
            f"{fits} is not among trainer.candidates ({', '.join(candidates)})",
            where="pressure.fits",
            hint="Add it to trainer.candidates, or force it with trainer.sub_model.",
        )


def _named(content: JobContent) -> Iterator[tuple[str, str]]:
    """Yield (field, sub-model)."""
    if content.trainer.sub_model != AUTO:
        yield "trainer.sub_model", content.trainer.sub_model
    for name in content.trainer.candidates or ():
        yield "trainer.candidates", name
    if content.pressure and content.pressure.fits:
        yield "pressure.fits", content.pressure.fits


def known_names(name: str, known: Sequence[str]) -> str:
    """Return what to say to who gave a wrong name: the one that was meant, and all there are."""
    alike = [other for other in known if other.casefold() == name.casefold()]
    near = f"Did you mean {alike[0]}?" if alike else suggestion(name, known)
    return f"{near} There are {', '.join(known)}.".strip()
