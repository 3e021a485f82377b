"""What a scenario file may say (docs/matrix.md shows some). Sizes named ``_mb`` are MiB.

The first half, `JobContent`, is what one job is made of and what the matrix may vary; `Scenario`
adds what is said once for the whole file. Defaults are the paper's (MobileASR, section 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, Union

from pydantic import (
    BeforeValidator,
    Field,
    StringConstraints,
    model_validator,
)

from harness.contract.job import Keep, Mode, StopPolicy
from harness.contract.network import SubModelName
from harness.corpora import ACCENTS, language_of
from harness.scenario.base import CorpusName, Count, Number, Section, Words
from harness.scenario.demands import Demands
from harness.scenario.exits import ExitsOrRule
from harness.scenario.federated import Federated, Part
from harness.scenario.hints import value_hint
from harness.scenario.others import AlsoEvaluateOrNames
from harness.scenario.paths import field_paths
from harness.scenario.phone_settings import PhoneSettings
from harness.scenario.report import Report
from harness.scenario.stored import StoredOrFormat

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=60)]
BaselineName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=60)
]
FileText = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
PAPER_LEARNING_RATE: Final = 1e-4
PAPER_STOP_MB: Final = 300.0
"""MobileASR's own, for a model of thirty million parameters."""
AUTO: Final = "auto"
"""What ``trainer.sub_model`` says where the phone is to choose."""


class Reproduces(Section):
    """The published table or figure whose protocol this is."""

    paper: Name
    """Which paper; `mobileasr` is the one whose tables the project knows."""
    table: Count | str | None = None
    """Its table, as it is numbered there."""
    figure: Count | str | None = None
    """Its figure, as it is numbered there."""


def _model_by_name(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class ModelChoice(Section):
    """The trainable model: a shipped one by name, or a folder with a manifest."""

    name: Name | None = None
    """A folder of ``models/``, for example ``ds2-mini``."""
    arch: Literal["ds2"] | None = None
    """Another way to name a shipped model: its architecture, together with ``size``."""
    size: Name | None = None
    """With ``arch``: the same as ``name: <arch>-<size>``; ``full`` is ``name: <arch>``."""
    path: FileText | None = None
    """A model folder (with ``manifest.json``) or a .tflite in one; relative to the scenario."""
    checkpoint: FileText | None = None
    """Weights to start from instead of the model's own: a file (.npz), or the folder of a federated
    run, whose last model it is; relative to the scenario."""

    @model_validator(mode="before")
    @classmethod
    def _arch_and_size_are_a_name(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("arch"), str):
            if value.get("name") is not None:
                raise ValueError("give name, or arch and size, not both")
            if not isinstance(value.get("size"), str):
                raise ValueError("arch needs size, for example {arch: ds2, size: mini}")
            if value["arch"] == "ds2":
                rest = {k: v for k, v in value.items() if k not in ("arch", "size")}
                full = value["size"] == "full"
                return {**rest, "name": "ds2" if full else f"ds2-{value['size']}"}
        return value

    @model_validator(mode="after")
    def _one_way(self) -> ModelChoice:
        if self.size is not None:
            raise ValueError("size needs arch, for example {arch: ds2, size: mini}")
        if (self.name is None) == (self.path is None):
            raise ValueError("give one of name, arch and size, or path")
        return self

    @property
    def label(self) -> str:
        """The model in a word or two."""
        return self.name or str(self.path)


ModelOrName = Annotated[ModelChoice, BeforeValidator(_model_by_name)]


class Data(Section):
    """Whose speech: a corpus that comes with the project, or a manifest of recordings."""

    corpus: CorpusName | None = None
    """``accents``, synthetic speakers, made when they are needed, which is what is taken if neither
    this nor ``manifest`` is given; ``speech/it``, ``speech/fr`` ...: two synthetic speakers of a
    language; ``people`` and ``people/de``, a few recordings of people."""
    manifest: FileText | None = None
    """What ``harness corpus import`` wrote: the folder or its JSON lines; relative to the
    scenario."""
    speaker: Name = "uk-female"
    """Who speaks: of ``accents`` us-, uk- or ind-, male or female; of ``speech/it`` it-female (the
    default there) or it-male; of ``people`` kathleen, librispeech-19 or librispeech-26, of
    ``people/de`` kerstin; else a name of the manifest."""
    train: Count | None = Field(None, ge=1, le=100_000)
    """Training utterances a round; synthetic ones take 60, recordings all there are."""
    validation: Count | None = Field(None, ge=1, le=100_000)
    """Validation utterances a round; synthetic ones take 20, recordings all there are."""
    style: Literal["short", "wide", "full"] = "short"
    """Sentences: ``short`` 1-5 s; ``wide`` 2.5-5 s, with words new to ``ds2-mini``;
    ``full`` the paper's 9-12 s."""
    seed: Count = Field(0, ge=0)
    """Of the synthetic corpus: another seed, other sentences."""
    accents: Literal["kept", "folded"] = "kept"
    """Letters of a language beside a to z: as they are written (the model must have them in its
    alphabet), or spelled with a to z."""
    part: Part | None = None
    """A share of several speakers' speech, in place of one speaker's; ``speaker`` is its name."""

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        if value.get("corpus") is None and value.get("manifest") is None:
            value = {**value, "corpus": ACCENTS}
        corpus = str(value.get("corpus"))
        if code := language_of(corpus):
            value = {"speaker": f"{code}-female", **value}
        if corpus == ACCENTS or code:
            sizes = {"train": 60, "validation": 20}
            given = {name: value[name] for name in sizes if value.get(name) is not None}
            value = {**value, **sizes, **given}
        return value

    @model_validator(mode="after")
    def _one_source(self) -> Data:
        if self.corpus is not None and self.manifest is not None:
            raise ValueError("give corpus or manifest, not both")
        return self

    @property
    def speakers(self) -> tuple[str, ...]:
        """Whose speech it is of: one, or all whose speech is shared out."""
        return (self.speaker,) if self.part is None else self.part.speakers


class Stop(Section):
    """When training ends before its last epoch; mirrors ``harness.contract.job.Stop``."""

    policy: StopPolicy = "best_so_far"
    """What ``patience`` counts: ``best_so_far``, epochs that are not better than the best so far;
    ``as_printed``, what Algorithm 2 of the paper says, to the letter."""
    patience: Count = Field(2, ge=1)
    """Counted to this, training ends."""
    battery_below_percent: Number = Field(25.0, ge=0, le=100)
    """Percent of charge; no epoch begins at or below it."""
    available_below_mb: Number | None = Field(None, ge=0)
    """MiB of available RAM on the phone; no epoch begins at or below it. Left out, it follows from
    the model's needs: an eighth of the smallest step between two candidates, at most the paper's
    300."""

    @property
    def settled_available_below_mb(self) -> float:
        """What holds; the paper's where planning has not settled it from the model's needs."""
        return PAPER_STOP_MB if self.available_below_mb is None else self.available_below_mb


class Streaming(Section):
    """How recordings are heard while they go on."""

    beam: Count = Field(1, ge=1, le=64)
    """Labellings that are kept; 1: the likeliest label of each step."""


class Trainer(Section):
    """How the phone trains."""

    mode: Mode = "train"
    """``evaluate``: nothing is trained; the validation utterances are heard once."""
    optimizer: Literal["adam"] = "adam"
    """The paper's."""
    batch_size: Count = Field(5, ge=1, le=64)
    """Utterances a step; the model folder needs a file of exactly this batch size. Left out with
    ``mode: evaluate`` it is 1: a phone hears one utterance at a time."""
    learning_rate: Number | None = Field(None, gt=0, lt=1)
    """Adam's step size, for example 1.0e-4; left out, the one in the model's manifest."""
    epochs: Count = Field(15, ge=0, le=10_000)
    """At most; 0 only evaluates."""
    seed: Count = Field(0, ge=0)
    """Order of the training utterances; repeat n uses ``seed + n - 1``."""
    threads: Count = Field(2, ge=1, le=64)
    """Of the trainer's runtime."""
    stop: Stop = Stop()
    """When training ends before its last epoch."""
    keep: Keep = "best"
    """The checkpoint that counts and comes back: ``best``, of the epoch with the lowest word error
    rate (none, if that was the start); ``last``, of the last epoch that was trained."""
    sub_model: SubModelName = AUTO
    """``auto``: the phone chooses from what is available (Algorithm 1); the name of a sub-model,
    as the model's network has it, forces that one."""
    candidates: Annotated[tuple[SubModelName, ...], Field(min_length=1)] | None = None
    """What ``auto`` chooses from, the largest first; left out: S1, S5 and S8 of a DeepSpeech2, of
    another network all its sub-models."""
    memory_model: Literal["measured", "as_printed"] = "measured"
    """What a sub-model needs, for ``auto`` and ``pressure.fits``: what our own trainer was measured
    to need (predicted, for batch sizes that were not measured), or the paper's own estimate."""
    exits: ExitsOrRule | None = None
    """How a network with exits answers; a word alone is the rule. Left out, it answers at its last
    exit, and nothing is told of the others."""
    streaming: Streaming | None = None
    """Of a transducer: validation utterances are heard while they go on, and what that costs is
    told. Left out, each of them is heard whole."""
    stored: StoredOrFormat | None = None
    """How checkpoints lie on the phone's flash and come back: in fewer bits; a word alone is the
    format. The one that is kept is read back and heard once more. Left out, as float32."""

    @model_validator(mode="after")
    def _what_is_stored_was_trained(self) -> Trainer:
        if self.mode == "evaluate" and self.stored is not None:
            raise ValueError("stored is for what is trained, and mode: evaluate trains nothing")
        return self

    @model_validator(mode="before")
    @classmethod
    def _evaluation_hears_one_at_a_time(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("mode") == "evaluate":
            return {"batch_size": 1, **value}
        return value

    @property
    def planned_epochs(self) -> int:
        """Epochs that are trained at most."""
        return 0 if self.mode == "evaluate" else self.epochs

    @property
    def settled_learning_rate(self) -> float:
        """What holds; the paper's where planning has not settled it from the model's manifest."""
        return PAPER_LEARNING_RATE if self.learning_rate is None else self.learning_rate


class Pressure(Section):
    """A goal for the RAM that is left to the trainer."""

    available_mb: Number | None = Field(None, gt=0)
    """Goal in MiB: MemAvailable of the phone plus what the trainer itself holds."""
    fits: SubModelName | None = None
    """Just enough for this sub-model and not for the next larger candidate."""
    by: Annotated[Words, Field(min_length=1)] = ("ballast",)
    """What takes the RAM: ``ballast`` (the trainer's own services, in a closed loop), ``apps``
    (installed apps that are launched, in steps), or both."""
    apps: Words = ()
    """Installed packages that ``by: apps`` may launch."""
    tolerance_mb: Number | None = Field(None, gt=0)
    """How near is near enough; None = the pressure loop's own rule."""

    @model_validator(mode="after")
    def _one_goal(self) -> Pressure:
        if (self.available_mb is None) == (self.fits is None):
            raise ValueError("give either available_mb or fits")
        unknown = [means for means in self.by if means not in ("ballast", "apps")]
        if unknown or len(set(self.by)) != len(self.by):
            raise ValueError("by names ballast, apps or both, each once")
        if ("apps" in self.by) != bool(self.apps):
            raise ValueError("by: apps and the list apps go together")
        return self

    @property
    def label(self) -> str:
        """The goal as the scenario wrote it."""
        if self.fits is not None:
            return f"fits: {self.fits}"
        return f"available_mb: {self.available_mb:g}"


class Sampling(Section):
    """How often the phone is looked at."""

    period_s: Number = Field(1.0, ge=0.2, le=60)
    """Seconds between two samples."""


class Limits(Section):
    """The longest that each step of an attempt may take, in seconds."""

    gate_s: Number = Field(900.0, ge=0)
    """For a gate to open."""
    provision_s: Number = Field(900.0, gt=0)
    """For model, recordings and job to be pushed."""
    pressure_s: Number = Field(180.0, gt=0)
    """For the RAM pressure to reach its goal."""
    start_s: Number = Field(60.0, gt=0)
    """From ``am start`` to the trainer's first event."""
    stall_s: Number = Field(900.0, gt=0)
    """Without any event; one step at full size takes seconds, one evaluation minutes."""
    train_s: Number = Field(6 * 3600.0, gt=0)
    """For the whole training."""
    lost_s: Number = Field(120.0, ge=0)
    """How long a phone may be gone from the adb server before the attempt is given up."""
    collect_s: Number = Field(300.0, gt=0)
    """For the results to come back."""


Gates = Union[Literal["strict", "lab", "off"], dict[str, Any]]  # noqa: UP007 - evaluated on 3.10


class JobContent(Section):
    """What one job is: everything here can be an axis of the matrix."""

    model: ModelOrName
    """The trainable model; a word alone is its ``name``."""
    baseline: BaselineName | None = None
    """Which of ``baselines`` is the model; usually an axis of the matrix."""
    data: Data = Data.model_validate({})
    """Whose speech."""
    also_evaluate: AlsoEvaluateOrNames | None = None
    """Other speakers, who are only listened to: what the training does to them. A list of names is
    enough where they are in the same corpus or manifest."""
    trainer: Trainer = Trainer()
    """How the phone trains."""
    phones: Demands = Demands()
    """Demands on the phone."""
    pressure: Pressure | None = None
    """How much RAM is left to the trainer; without it, what the phone has."""
    gates: Gates = "lab"
    """What must be so on the phone before an attempt; ``harness.devices.gates`` reads it."""
    settings: PhoneSettings = PhoneSettings()
    """What is changed on the phone while an attempt runs, and put back."""
    sampling: Sampling = Sampling()
    """How often the phone is looked at."""
    limits: Limits = Limits()
    """The longest that each step may take."""
    federated: Federated | None = None
    """One model, trained over many clients in rounds (docs/federated.md); ``data`` then says what
    corpus they have, and ``trainer`` how each of them trains."""

    @model_validator(mode="after")
    def _rounds_listen_to_all_clients(self) -> JobContent:
        if self.federated is not None and self.also_evaluate is not None:
            raise ValueError(
                "also_evaluate goes with personalisation; federated training evaluates each "
                "round's model on every client's sentences"
            )
        return self

    @model_validator(mode="after")
    def _rounds_train(self) -> JobContent:
        if self.federated is not None and self.trainer.mode == "evaluate":
            raise ValueError(
                "trainer.mode: evaluate trains nothing, and federated training needs clients that "
                "train"
            )
        if self.federated is not None and self.trainer.stored is not None:
            raise ValueError(
                "trainer.stored is for checkpoints that are kept; what clients of federated "
                "training send is federated.compression"
            )
        return self

    @classmethod
    def value_hint(
        cls, kind: str, value: Any, location: Sequence[str | int]
    ) -> tuple[str, str] | None:
        """Return what is wrong with a value and what to write, see `harness.yamlio.explain`."""
        path = ".".join(part for part in location if isinstance(part, str))
        return value_hint(kind, value, path, field_paths(cls), field_paths(JobContent))


class Retry(Section):
    """How often an attempt is repeated, by kind of failure."""

    lost_phone: Count = Field(2, ge=0, le=100)
    """The phone was lost (cable, reboot, adb)."""
    gate_timed_out: Count = Field(0, ge=0, le=100)
    """A gate did not open in time."""
    provision_failed: Count = Field(1, ge=0, le=100)
    """A push failed, the storage was full, or the trainer could not be installed."""
    pressure_unreachable: Count = Field(0, ge=0, le=100)
    """The RAM pressure did not reach its goal."""
    trainer_crashed: Count = Field(0, ge=0, le=100)
    """The trainer ended with an error."""
    trainer_killed: Count = Field(0, ge=0, le=100)
    """The phone killed the trainer, as lmkd does."""
    trainer_ended: Count = Field(1, ge=0, le=100)
    """The trainer is gone, and the phone says neither that it killed it nor that it crashed."""
    trainer_stalled: Count = Field(1, ge=0, le=100)
    """The trainer said nothing for ``limits.stall_s``, or ran longer than ``limits.train_s``."""
    score_mismatch: Count = Field(0, ge=0, le=100)
    """Host and trainer differ in the word error rate."""


class Expect(Section):
    """Something the results should show; checked by the report and ``nightly``."""

    metric: Name
    """A number of the results, such as wer_percent or peak_rss_mb."""
    falls_over: str | None = None
    """``epoch``: in every attempt it ends lower than it began; a dotted path of the matrix: its
    median never rises from one value to the next, and falls at least once."""
    rises_over: str | None = None
    """The same, the other way."""
    below: Number | None = None
    """In every finished attempt it is below this."""
    above: Number | None = None
    """In every finished attempt it is above this."""

    @model_validator(mode="after")
    def _one_claim(self) -> Expect:
        claims = [self.falls_over, self.rises_over, self.below, self.above]
        if sum(claim is not None for claim in claims) != 1:
            raise ValueError("give one of falls_over, rises_over, below, above")
        return self


class Shuffled(Section):
    """Random order, the same for the same seed."""

    shuffled: Count = Field(ge=0)
    """The seed of the order."""


class Scenario(JobContent):
    """A scenario file."""

    name: Name
    """Names the run folders: lower case, digits, dot, dash, underscore."""
    title: str = Field("", max_length=200)
    """What the report is headed by."""
    baselines: dict[BaselineName, ModelOrName] = Field(default_factory=dict)
    """Models by name, in place of ``model``: ``baseline`` chooses among them."""
    reproduces: Reproduces | None = None
    """The published table or figure whose protocol this is."""
    matrix: dict[str, Any] = Field(default_factory=dict)
    """Dotted path -> list of values; ``include`` and ``exclude`` are lists of mappings."""
    repeats: Count = Field(1, ge=1, le=1000)
    """How often each job is run; repeat n trains with ``trainer.seed + n - 1``."""
    rounds: Count = Field(1, ge=1, le=100)
    """Round 2 trains on the next utterances, from the checkpoint that round 1 kept."""
    order: Literal["as-written", "shuffled", "fewest-pushes", "fewest-cool-downs"] | Shuffled = (
        "as-written"
    )
    """In which order jobs are offered to phones: ``fewest-pushes`` keeps together what needs the
    same files, ``fewest-cool-downs`` lets hot and cool jobs take turns besides."""
    retry: Retry = Retry()
    """How often an attempt is repeated, by kind of failure."""
    expect: tuple[Expect, ...] = ()
    """What the results should show; checked by the report and ``nightly``, not by ``run``."""
    report: Report | None = None
    """What is told besides of the same results: rare words, WERR, characters (docs/metrics.md)."""
