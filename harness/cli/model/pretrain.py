"""``harness model pretrain``."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Optional

import typer

from harness.cli import console
from harness.cli.groups import grouped
from harness.cli.model.common import BatchOption, OutOption, command, config, summary
from harness.cli.options import JsonOption
from harness.contract.wire import bits_of
from harness.errors import InputError
from harness.paths import cache_root

if TYPE_CHECKING:
    from harness.model.configuration import NetworkConfig
    from harness.model.pretraining import Init, Settings
    from harness.model.speech import Asked

_TRAINING = "Pre-training"


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def _checked_name(value: Optional[str]) -> Optional[str]:
    if value is not None and not _NAME.fullmatch(value):
        raise InputError(
            f"{value!r} is no name",
            where="--name",
            hint="Use letters, digits, dots, dashes and underscores: files are named by it.",
        )
    return value


def _checked_format(value: Optional[str]) -> Optional[str]:
    try:
        if value is not None:
            bits_of(value)
    except ValueError as error:
        raise InputError(str(error), where="--weights-as") from error
    return value


@dataclass(frozen=True)
class SpeechOptions:
    """What is trained on, and how the result is personalised later."""

    manifest: Annotated[
        Optional[Path],
        typer.Option(
            "--manifest",
            help="Train on the recordings of this manifest (JSON lines; `harness corpus import` "
            "writes one); the same as --corpus.",
        ),
    ] = None
    corpus: Annotated[
        Optional[list[str]],
        typer.Option(
            metavar="NAME[:WEIGHT]",
            help="Train on it: us (synthetic US voices), speech/it (of a language; `harness "
            "corpus languages` lists them), speech/it@far (other rates and pitches), or a "
            "manifest. May be given several times; an utterance is heard WEIGHT times an epoch. "
            "[default: us]",
        ),
    ] = None
    accents: Annotated[
        Literal["kept", "folded"],
        typer.Option(
            help="Letters of a language beside a to z: as they are written, or spelled with a-z."
        ),
    ] = "folded"
    alphabet: Annotated[
        Optional[str],
        typer.Option(
            help="What the model writes: languages such as it+fr, or all its characters with the "
            "space. [default: the network's; with --accents kept all letters of the languages]"
        ),
    ] = None
    pieces: Annotated[
        Optional[str],
        typer.Option(
            metavar="N|MODEL",
            help="Write pieces of words, too: so many that byte pair encoding learns from the "
            "texts that are trained on, or those of a model folder. [default: characters alone]",
        ),
    ] = None
    others: Annotated[
        Optional[Path],
        typer.Option(
            "--others",
            help="Manifest of speakers whose WER goes into the model's manifest. "
            "[default: the six synthetic speakers for us, the two of each speech/...]",
        ),
    ] = None
    learning_rate: Annotated[
        float, typer.Option(help="For personalising later; goes into the model's manifest.")
    ] = 5e-4
    name: Annotated[
        Optional[str],
        typer.Option(
            help="Of the model, in its manifest and in reports. [default: the network's]",
            callback=_checked_name,
        ),
    ] = None
    weights_as: Annotated[
        Optional[str],
        typer.Option(
            metavar="FORMAT",
            help="Write the checkpoint's matrices small, as `S1E5M10` (16 bits a number) or "
            "`S1E4M7` (12). [default: 32-bit floats]",
            callback=_checked_format,
        ),
    ] = None

    files_of: Annotated[
        Optional[Path],
        typer.Option(
            "--files-of",
            metavar="MODEL",
            help="Share the flatbuffers of this model, which lies beside --out and is the same "
            "network: only weights are written. [default: files of its own]",
        ),
    ] = None

    def corpora(self) -> tuple[Asked, ...]:
        """Return what to train on; none: the synthetic US voices.

        Raises:
            InputError: There is no such corpus.
        """
        from harness.model.speech import Asked

        named = tuple(Asked.of(words) for words in self.corpus or ())
        if self.manifest is None:
            return named
        if named:
            raise InputError("both --manifest and --corpus", hint="Give --corpus alone.")
        return (Asked(str(self.manifest)),)

    def writing(self, network: NetworkConfig, corpora: tuple[Asked, ...]) -> NetworkConfig:
        """Return the network with the alphabet that it is to write.

        Raises:
            InputError: A language is not known, or no network can write so.
        """
        from harness.contract.alphabet import ENGLISH
        from harness.speech.languages import alphabet_of, named_alphabet

        if self.alphabet is not None:
            return replace(network, alphabet=named_alphabet(self.alphabet, "--alphabet"))
        if self.accents == "kept" and network.alphabet == ENGLISH:
            codes = [code for asked in corpora for code in asked.languages()]
            return replace(network, alphabet=alphabet_of(codes))
        return network


@dataclass(frozen=True)
class TrainingOptions:
    """How it is trained."""

    utterances: Annotated[
        int, typer.Option(min=16, help="Of each synthetic corpus.", rich_help_panel=_TRAINING)
    ] = 1800
    epochs: Annotated[
        int, typer.Option(min=1, help="Over the training half.", rich_help_panel=_TRAINING)
    ] = 6
    train_batch: Annotated[
        int, typer.Option(min=1, max=256, help="Utterances a step.", rich_help_panel=_TRAINING)
    ] = 16
    rate: Annotated[
        float, typer.Option(min=1e-6, help="Learning rate.", rich_help_panel=_TRAINING)
    ] = 2e-3
    noise: Annotated[
        float, typer.Option(min=0.0, help="Added to features.", rich_help_panel=_TRAINING)
    ] = 0.2
    frequency_mask: Annotated[
        int,
        typer.Option(min=0, help="Most mel bands hidden at once.", rich_help_panel=_TRAINING),
    ] = 8
    time_mask: Annotated[
        int, typer.Option(min=0, help="Most frames hidden at once.", rich_help_panel=_TRAINING)
    ] = 10
    speed: Annotated[
        Optional[list[float]],
        typer.Option(
            min=0.5,
            max=2.0,
            help="Speeds to draw from; may be given several times. [default: 1]",
            rich_help_panel=_TRAINING,
        ),
    ] = None
    loss: Annotated[
        Optional[Literal["ctc", "rnnt", "minwer", "equal", "mean", "rising"]],
        typer.Option(
            help="ctc, rnnt (of transducers), or minwer: the word errors to be expected of N-best "
            "lists, from --init on. With exits also how their CTC losses are weighted: equal (1 "
            "each, as ctc), mean (1/K each), rising with depth. [default: the network's own]",
            rich_help_panel=_TRAINING,
        ),
    ] = None
    n_best: Annotated[
        int, typer.Option(min=2, max=64, help="Of minwer: hypotheses.", rich_help_panel=_TRAINING)
    ] = 4
    beam: Annotated[
        int,
        typer.Option(
            min=2,
            max=512,
            help="Of minwer: prefixes kept at each frame.",
            rich_help_panel=_TRAINING,
        ),
    ] = 8
    interpolation: Annotated[
        float,
        typer.Option(
            min=0.0,
            help="Of minwer: what the network's own loss counts for beside an error.",
            rich_help_panel=_TRAINING,
        ),
    ] = 0.01
    exit_: Annotated[
        Optional[str],
        typer.Option(
            "--exit",
            help="Train what this exit answers by, by its loss alone. [default: all exits]",
            rich_help_panel=_TRAINING,
        ),
    ] = None
    init: Annotated[
        Optional[list[str]],
        typer.Option(
            metavar="[PART:]FILE",
            help="Begin from weights (.npz, or a model folder): FILE or all:FILE takes all that "
            "the network has, encoder:FILE all but what writes letters, layers:CONV1,BLSTM1:FILE "
            "these. Other layers begin at random. May be given several times: a later one counts "
            "where two have a layer. [default: all at random]",
            rich_help_panel=_TRAINING,
        ),
    ] = None
    seed: Annotated[
        int, typer.Option(min=0, help="Of all that is random.", rich_help_panel=_TRAINING)
    ] = 1
    device: Annotated[
        Literal["auto", "cpu", "gpu"],
        typer.Option(help="auto: a GPU if tensorflow sees one.", rich_help_panel=_TRAINING),
    ] = "auto"
    keep_every: Annotated[
        int,
        typer.Option(
            min=1, help="Steps between two copies of the progress.", rich_help_panel=_TRAINING
        ),
    ] = 50

    def settings(self, network: NetworkConfig) -> Settings:
        """Return them as the training takes them.

        Raises:
            InputError: The network is not trained by such a loss.
        """
        from harness.model.pretraining import Augmentation, MinWer, Settings

        if self.loss in ("ctc", "rnnt") and self.loss != network.own_loss:
            raise InputError(
                f"{network.name} is trained by {network.own_loss}",
                where=f"--loss {self.loss}",
                hint=f"Leave --loss out, or give {network.own_loss} or minwer.",
            )
        minwer = MinWer(self.n_best, self.beam, self.interpolation)
        speeds = tuple(sorted(set(self.speed or (1.0,))))
        return Settings(
            epochs=self.epochs,
            batch_size=self.train_batch,
            learning_rate=self.rate,
            seed=self.seed,
            loss=self.loss if self.loss in ("equal", "mean", "rising") else "equal",
            exit=self.exit_ or "",
            augmentation=Augmentation(self.noise, self.frequency_mask, self.time_mask, speeds),
            minwer=minwer if self.loss == "minwer" else None,
        )


@grouped
def pretrain(
    network: Annotated[str, typer.Argument(help="ds2-mini, for example.")],
    out: OutOption,
    speech: SpeechOptions,
    training: TrainingOptions,
    batch_size: BatchOption = None,
    work: Annotated[
        Optional[Path],
        typer.Option("--work", help="Keeps speech and progress; a second call goes on there."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a baseline: speech, pre-training, flatbuffers, measured needs.

    Ctrl-C keeps the progress; the same command goes on and comes to the same weights.
    """
    chosen = config(network)
    from harness.model.quiet import import_quietly

    import_quietly()
    from harness.cli.model.pretrain_progress import training_display
    from harness.model.pieces import Pieces
    from harness.model.pretraining import Init, read_beginning
    from harness.model.ship import Pretraining, ship_pretrained

    corpora = speech.corpora()
    chosen = speech.writing(chosen, corpora)
    pieces = Pieces.of(speech.pieces) if speech.pieces is not None else Pieces()
    chosen = pieces.taken_by(chosen)
    inits = [Init.of(words) for words in training.init or ()]
    if pieces.count:
        _check_parts(inits, chosen)
    plan = Pretraining(
        corpora=corpora,
        others=speech.others,
        utterances=training.utterances,
        accents=speech.accents,
        start=read_beginning(inits, chosen),
        pieces=pieces,
        settings=training.settings(chosen),
        name=speech.name,
        number_format=speech.weights_as,
        files_of=speech.files_of,
        learning_rate=speech.learning_rate,
        device=training.device,
        keep_every=training.keep_every,
    )
    with training_display() as display:
        made = ship_pretrained(
            chosen,
            out.resolve(),
            batch_size or (),
            work or cache_root() / "pretrain",
            plan,
            command=command(),
            watcher=display,
        )
    if as_json:
        console.emit_json({"folder": str(out), **made.model_dump(mode="json")})
    else:
        summary(made, out)


def _check_parts(inits: list[Init], network: NetworkConfig) -> None:
    """Refuse outputs of another model where pieces are learnt anew."""
    encoder = set(network.encoder_layers())
    for init in inits:
        if init.part == "all" or (init.part == "layers" and not set(init.layers) <= encoder):
            raise InputError(
                f"{init.path} has outputs, and pieces are learnt anew",
                where="--pieces",
                hint=f"Give --init encoder:{init.path}, or --pieces with the model whose weights "
                "these are.",
            )
