"""How a trainer answers at a network's exits, and what it says of each utterance.

An utterance leaves at the first exit that is sure enough. ``entropy`` and
``posterior`` are those of Wright et al., arXiv 2309.09546; ``agreement`` needs neither a threshold
nor an N-best list.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from harness.contract.base import Message
from harness.contract.network import Name, Network, NetworkError

Rule = Literal["last", "fixed", "agreement", "entropy", "posterior"]
DecoderName = Literal["ctc", "attention"]
EntropyUnit = Literal["nats", "bits", "normalised", "as_code"]
"""``normalised``: divided by log V; ``as_code``: the sum of p log p over T V, as the authors' code
prints it (negative)."""


class ExitRule(Message):
    """When an utterance leaves a network that has exits."""

    rule: Rule = "last"
    """``last``: never before the last exit. ``fixed``: always at ``exit``. ``agreement``: at the
    second of two neighbouring exits that say the same. ``entropy``: at the first whose mean entropy
    is at most ``threshold``. ``posterior``: at the first whose best hypothesis has at least
    ``threshold`` of the probability of the N best."""
    exit: Name | None = None
    threshold: float | None = None
    entropy: EntropyUnit = "nats"
    frames: Literal["all", "non_blank"] = "all"
    """Which output frames the mean entropy is of; without any frame it is 0."""
    n_best: int = Field(10, ge=2, le=1000)
    beam: int = Field(10, ge=2, le=1000)
    """Hypotheses that the prefix beam search keeps at each frame."""
    answers: Literal["taken", "all"] = "taken"
    """``all``: the exits above the one that is taken are computed and told, too; their time counts
    for nobody."""
    decoder: DecoderName = "ctc"
    """Who writes the text of an exit: ``ctc``: its head, by the best path; ``attention``: its
    attention decoder, greedily, label by label. Entropies and posteriors are the head's in either
    case."""

    @model_serializer(mode="wrap")
    def _as_before(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what earlier trainers do not know, where it says what they do."""
        told: dict[str, Any] = handler(self)
        if self.decoder == "ctc":
            told.pop("decoder", None)
        return told

    def check(self, network: Network) -> None:
        """Check that a network has what the rule speaks of.

        Raises:
            NetworkError: It has no exits, lacks the exit, or lacks decoders.
        """
        if not network.exits:
            raise NetworkError("the job has a rule for exits, the network has no exits")
        if self.exit is not None:
            network.exit(self.exit)
        if self.decoder == "attention" and not network.writes:
            raise NetworkError("the job asks for attention decoders, the network has none")

    @model_validator(mode="after")
    def _is_whole(self) -> ExitRule:
        if (self.exit is not None) != (self.rule == "fixed"):
            raise ValueError("exit and rule: fixed go together")
        if (self.threshold is not None) != (self.rule in ("entropy", "posterior")):
            raise ValueError("threshold goes with rule: entropy or posterior, and they need it")
        if self.threshold is not None:
            if self.rule == "posterior" and not 0 <= self.threshold <= 1:
                raise ValueError("threshold: a posterior lies between 0 and 1")
            if self.rule == "entropy" and self.entropy == "as_code" and self.threshold > 0:
                raise ValueError("threshold: an entropy as_code is 0 or less")
            if self.rule == "entropy" and self.entropy != "as_code" and self.threshold < 0:
                raise ValueError("threshold: an entropy is 0 or more")
            if self.entropy == "normalised" and self.rule == "entropy" and self.threshold > 1:
                raise ValueError("threshold: a normalised entropy is at most 1")
        if self.n_best > self.beam:
            raise ValueError("n_best: a beam of fewer hypotheses has no such list")
        return self

    @property
    def label(self) -> str:
        """The rule in a few words, the same for the same rule: ``entropy 0.1``."""
        words = [
            self.rule,
            self.exit or "",
            "" if self.threshold is None else f"{self.threshold:g}",
        ]
        if self.rule == "entropy":
            words += [self.entropy] * (self.entropy != "nats")
            words += ["of non-blank frames"] * (self.frames != "all")
        if self.rule == "posterior" and (self.n_best, self.beam) != (10, 10):
            words.append(f"of {self.n_best} best, beam {self.beam}")
        words += ["by attention"] * (self.decoder == "attention")
        if self.answers == "all":
            words.append("(all answer)")
        return " ".join(word for word in words if word)


class Answer(Message):
    """What one exit said of an utterance."""

    exit: Name
    text: str | None
    """None where the job shares no hypotheses."""
    seconds: float = Field(ge=0)
    """Of the segment below this exit, its head included, for the whole batch."""
    entropy: float | None = None
    """In the rule's unit; nats where the rule is another."""
    posterior: float | None = None
    """Share of the best hypothesis among the N best; only where the rule asks for it."""
