"""What a scenario says of training over many clients in rounds (docs/federated.md)."""

from __future__ import annotations

import math
from typing import Annotated, Any, Final, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
    model_validator,
)

from harness.scenario.base import Count, Flag, Number, Section, Words
from harness.scenario.compression import Compression
from harness.scenario.pruning import Pruning

By = Literal["speaker", "accent", "iid", "dirichlet"]
StrategyName = Literal[
    "fedavg",
    "fedavgm",
    "fedsgd",
    "fedprox",
    "fedadam",
    "fedyogi",
    "fedadagrad",
    "trimmed",
    "median",
]
_OURS: Final = (
    *("server_learning_rate", "weighting", "missing", "privacy", "stop_patience"),
    "pruning",
)
"""Fields of `Federated` that Flower does not know."""
_SERVER_RATES: Final = {"fedadam": 1e-3, "fedyogi": 1e-3, "fedadagrad": 1e-2}


class Part(Section):
    """A share of the speech of several speakers: what one client has."""

    speakers: Annotated[Words, Field(min_length=1)]
    """Whose speech is shared out."""
    by: Literal["iid", "dirichlet"] = "iid"
    """``iid``: dealt out at random; ``dirichlet``: each speaker's unevenly, see ``alpha``."""
    of: Count = Field(1, ge=1, le=100_000)
    """Into how many shares."""
    number: Count = Field(1, ge=1)
    """Which of them, from 1."""
    alpha: Number = Field(0.5, gt=0)
    """Of the Dirichlet distribution: the smaller, the more the clients differ."""
    seed: Count = Field(0, ge=0)
    """Of the deal."""


class Clients(Section):
    """Who takes part: clients are speakers, or shares of a corpus, not phones."""

    by: By = "speaker"
    """``speaker``, ``accent``: one client for each; ``iid``, ``dirichlet``: ``count`` clients,
    among whom the speech of all speakers is dealt out."""
    speakers: Words = ()
    """Whose speech; left out, that of all speakers of the corpus or manifest."""
    count: Count | None = Field(None, ge=2, le=100_000)
    """How many clients, for ``iid`` and ``dirichlet``."""
    alpha: Number = Field(0.5, gt=0)
    """Of ``dirichlet``: the smaller, the more the clients differ."""
    seed: Count = Field(0, ge=0)
    """Of the deal."""

    @model_validator(mode="after")
    def _count_where_it_counts(self) -> Clients:
        dealt = self.by in ("iid", "dirichlet")
        if dealt != (self.count is not None):
            raise ValueError("count goes with by: iid and by: dirichlet, and only with them")
        return self


class Strategy(Section):
    """How the server makes one model of what the clients send."""

    name: StrategyName | None = None
    """One of the harness's own, which need nothing installed."""
    flower: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9]*$")] | None = None
    """A strategy of ``flwr.serverapp.strategy`` by its class, such as FedAvg; needs the extra
    [federated]."""
    path: Annotated[str, StringConstraints(pattern=r"^[^:]+\.py:[A-Za-z_]\w*$")] | None = None
    """``FILE.py:FUNCTION``, which returns a Flower strategy; relative to the scenario."""
    app: Annotated[str, StringConstraints(min_length=1, max_length=1024)] | None = None
    """The folder of a Flower app, whose ServerApp decides everything; relative to the scenario."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """Given to ``flower`` or ``path``; of an ``app``, over its own configuration."""
    replace_start: Flag = False
    """Of an ``app`` with a model of its own: what it sends first is replaced by the phones' model,
    and it goes on with what clients make of that."""
    momentum: Number = Field(0.9, ge=0, lt=1)
    """Of ``fedavgm``."""
    beta_1: Number = Field(0.9, ge=0, lt=1)
    """Of ``fedadam`` and ``fedyogi``."""
    beta_2: Number = Field(0.99, ge=0, lt=1)
    """Of ``fedadam`` and ``fedyogi``."""
    tau: Number = Field(1e-3, gt=0)
    """Of ``fedadam``, ``fedyogi`` and ``fedadagrad``: keeps the divisor from zero."""
    mu: Number = Field(0.01, ge=0)
    """Of ``fedprox``: how strongly a client is held to the model it was sent."""
    trim: Number = Field(0.2, ge=0, lt=0.5)
    """Of ``trimmed``: the share of the clients left out at either end, entry by entry."""

    @model_validator(mode="before")
    @classmethod
    def _a_word_is_a_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_way(self) -> Strategy:
        ways = (self.name, self.flower, self.path, self.app)
        if sum(way is not None for way in ways) != 1:
            raise ValueError("give one of name, flower, path and app")
        if self.arguments and self.name is not None:
            raise ValueError("arguments are for Flower; the harness's own strategies have fields")
        if self.replace_start and self.app is None:
            raise ValueError("replace_start is for an app")
        return self

    @property
    def is_flower(self) -> bool:
        """Whether Flower decides."""
        return self.name is None

    @property
    def label(self) -> str:
        """The strategy in a word."""
        return self.name or self.flower or self.path or str(self.app)


class Privacy(Section):
    """Differential privacy of clients: each difference is clipped, and noise added to their mean.

    The noise is the server's (central DP): it protects from whoever sees the model, not from the
    host. Clients count alike, and what a client did not train counts as unchanged.
    """

    clip: Number = Field(gt=0)
    """The longest that a client's difference may be (Euclidean norm over all it trained)."""
    noise: Number = Field(gt=0)
    """Standard deviation of the noise in the sum, as a multiple of ``clip``."""
    delta: Number = Field(1e-5, gt=0, lt=1)
    """For the epsilon that is reported."""
    seed: Count = Field(0, ge=0)
    """Of the noise; whoever knows it can take the noise away."""


class Federated(Section):
    """One model, trained over many clients in rounds."""

    clients: Clients = Clients()
    """Who takes part."""
    rounds: Count = Field(4, ge=1, le=100_000)
    """How often the model goes out and comes back."""
    clients_per_round: Count | None = Field(None, ge=1)
    """How many clients are asked in a round; left out, see ``fraction``."""
    fraction: Number | None = Field(None, gt=0, le=1)
    """The share of the clients that are asked in a round; left out, all are."""
    local_epochs: Count = Field(1, ge=1, le=10_000)
    """Epochs on a client in a round."""
    local_steps: Count | None = Field(None, ge=1, le=1_000_000)
    """Optimiser steps on a client in a round, in place of epochs."""
    strategy: Strategy = Strategy(name="fedavg")
    """How the server makes one model of what comes back."""
    server_learning_rate: Number | None = Field(None, gt=0)
    """How far the server goes; left out, 1, or 0.001 (``fedadam``, ``fedyogi``), 0.01
    (``fedadagrad``)."""
    weighting: Literal["examples", "equal"] = "examples"
    """By what a client's word counts: its training utterances, or all alike."""
    missing: Literal["holders", "unchanged"] = "holders"
    """What a client did not train: left out of the mean (``holders``), or counted in it as
    unchanged."""
    min_answers: Count | None = Field(None, ge=1)
    """With fewer answers a round cannot end; left out, half of those asked."""
    round_limit_s: Number = Field(24 * 3600.0, gt=0)
    """Seconds until a round ends with those that have answered; later answers are dropped."""
    evaluate_every: Count = Field(1, ge=1)
    """Each so-many-th round every client evaluates the model; the start and the last one always."""
    stop_patience: Count | None = Field(None, ge=1)
    """After so many evaluations without a lower mean word error rate, training ends."""
    hypotheses: Flag = False
    """Whether what was heard comes to the host; without it, only counts of word errors."""
    privacy: Privacy | None = None
    """Differential privacy of clients."""
    pruning: Pruning | None = None
    """Clients train a part of the network only: its settings, or the level alone."""
    compression: Compression | None = None
    """Weights travel in fewer bits; a format alone, such as ``S1E3M7``, is enough."""
    seed: Count = Field(0, ge=0)
    """Of the choice of clients."""

    @model_serializer(mode="wrap")
    def _without_what_it_is_not(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave ``compression`` out where there is none: identities stay as they were."""
        written: dict[str, Any] = write(self)
        if self.compression is None:
            written.pop("compression", None)
        return written

    @model_validator(mode="after")
    def _fits_together(self) -> Federated:
        if self.clients_per_round is not None and self.fraction is not None:
            raise ValueError("give clients_per_round or fraction, not both")
        if self.strategy.is_flower:
            # by value: a job is written whole, and read again from the ledger
            fields = type(self).model_fields
            ours = [name for name in _OURS if getattr(self, name) != fields[name].default]
            if ours:
                raise ValueError(f"{ours[0]} is for the harness's own strategies")
        if self.pruning is not None and self.pruning.masked and self.compression is not None:
            raise ValueError(
                "compression goes with a smaller network, not with masked: true: its zeros are "
                "deflated"
            )
        if self.pruning is not None and self.pruning.risen >= self.rounds:
            raise ValueError(
                f"pruning.level is not reached in {self.rounds} rounds: it rises for "
                f"{self.pruning.rise}"
            )
        return self

    def asked(self, clients: int) -> int:
        """Return how many of so many clients are asked in a round."""
        if self.clients_per_round is not None:
            return self.clients_per_round
        return clients if self.fraction is None else max(1, round(self.fraction * clients))

    def enough(self, asked: int) -> int:
        """Return with how many answers of so many a round can end."""
        return min(asked, self.min_answers or math.ceil(asked / 2))

    @property
    def settled_server_rate(self) -> float:
        """How far the server goes."""
        if self.server_learning_rate is not None:
            return self.server_learning_rate
        return _SERVER_RATES.get(self.strategy.name or "", 1.0)

    @property
    def steps(self) -> int | None:
        """Optimiser steps on a client; None: whole epochs."""
        return 1 if self.strategy.name == "fedsgd" else self.local_steps
