"""How a scenario says at which exit an utterance leaves, and how that fits its model (pure)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from harness.contract.exits import DecoderName, EntropyUnit, ExitRule, Rule
from harness.contract.network import Name, Network
from harness.errors import InputError
from harness.scenario.base import Count, Number, Section, first_reason
from harness.scenario.paths import suggestion


class Exits(Section):
    """When an utterance leaves a network that has exits; mirrors `harness.contract.exits`."""

    rule: Rule = "last"
    """``last``: at the last exit. ``fixed``: at ``exit``. ``agreement``: at the second of two
    neighbouring exits that say the same. ``entropy``: at the first whose mean entropy is at most
    ``threshold``. ``posterior``: at the first whose best hypothesis has at least ``threshold`` of
    the probability of the N best."""
    exit: Name | None = None
    """Of ``fixed``: an exit's name, as the model's network has it."""
    threshold: Number | None = None
    """Of ``entropy`` and ``posterior``."""
    entropy: EntropyUnit = "nats"
    """What ``threshold`` of ``entropy`` counts in: ``normalised`` is divided by that of equal
    chances; ``as_code`` is as the authors' code prints it, negative."""
    frames: Literal["all", "non_blank"] = "all"
    """Which output frames the mean entropy is of."""
    n_best: Count = Field(10, ge=2, le=1000)
    """Of ``posterior``: hypotheses that share the probability."""
    beam: Count = Field(10, ge=2, le=1000)
    """Of ``posterior``: hypotheses that the search keeps at each frame; at least ``n_best``."""
    answers: Literal["taken", "all"] = "taken"
    """``all``: the exits above the one that is taken are computed and told, too; their time counts
    for nobody."""
    decoder: DecoderName = "ctc"
    """Who writes the text of an exit: ``ctc``: its head; ``attention``: its attention decoder,
    greedily. Entropies and posteriors are the head's in either case."""

    @model_validator(mode="after")
    def _is_a_rule(self) -> Exits:
        self.as_rule()
        return self

    @property
    def label(self) -> str:
        """The rule in a few words, the same for the same rule: ``entropy 0.1``."""
        return self.as_rule().label

    def as_rule(self) -> ExitRule:
        """Return the rule as a job file has it.

        Raises:
            ValueError: Its fields contradict each other.
        """
        try:
            return ExitRule.model_validate(self.model_dump())
        except ValidationError as error:
            raise ValueError(first_reason(error)) from error


def _rule_alone(value: Any) -> Any:
    return {"rule": value} if isinstance(value, str) else value


ExitsOrRule = Annotated[Exits, BeforeValidator(_rule_alone)]
"""A word alone is the rule."""


def check_exits(exits: Exits, network: Network) -> None:
    """Check that a network has the exits that a job speaks of.

    Raises:
        InputError: ``where`` is the dotted path of the field; the hint lists what there is.
    """
    if not network.exits:
        raise InputError(
            f"rule {exits.rule} is for a network with exits, and this {network.family} has none",
            where="trainer.exits",
            hint="Leave trainer.exits out, or take a model with exits: "
            "'harness model inspect' shows a file's.",
        )
    if exits.exit is not None and exits.exit not in network.exit_names:
        near = suggestion(exits.exit, network.exit_names)
        raise InputError(
            f"the network has no exit {exits.exit!r}",
            where="trainer.exits.exit",
            hint=f"{near} There are {', '.join(network.exit_names)}.".strip(),
        )
    if exits.decoder == "attention" and not network.writes:
        raise InputError(
            f"this {network.family} has no attention decoders at its exits",
            where="trainer.exits.decoder",
            hint="Leave it out, or take a model that has them, such as conformer-mini-aed: "
            "'harness model inspect' shows a file's.",
        )
