"""The loop of a pre-training: epochs of steps, kept on the way, listened to in between."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from harness.errors import HarnessError
from harness.metrics import wer_percent
from harness.model.configuration import NetworkConfig
from harness.model.initial import Weights
from harness.model.pretraining.beginning import Beginning
from harness.model.pretraining.data import Chosen, Clip, Speech, choose, model_info
from harness.model.pretraining.engine import Engine
from harness.model.pretraining.mixture import Mixture
from harness.model.pretraining.objective import labels_for, loss_of
from harness.model.pretraining.progress import Place, Progress, finite
from harness.model.pretraining.settings import Device, Settings
from harness.model.pretraining.start import aim_of
from harness.model.pretraining.stopping import interruptible_between_steps
from harness.model.pretraining.watcher import Silent, StepReport, Watcher
from harness.speech import Corpus
from harness.speech.letters import check_letters
from harness.trainer.batches import Batch
from harness.trainer.decode import greedy_decode

KEEP_EVERY = 50
"""Steps between two copies of the progress on disk."""


class DivergedError(HarnessError):
    """The loss or a weight became NaN or infinite."""


@dataclass(frozen=True)
class Pretrained:
    """What came of it."""

    weights: Weights
    corpus_sha256: str
    utterances: tuple[int, ...]
    """Trained on, by corpus."""
    left_out: dict[str, int]
    """Utterances by reason."""
    steps: int
    place: Place
    wer_percent: dict[str, float]
    """Of the validation half in the end, by exit: those that were trained; ``<exit>_attention``: of
    its decoder."""


def pretrain(
    config: NetworkConfig,
    corpus: Corpus | Mixture,
    work: Path,
    settings: Settings,
    *,
    device: Device = "cpu",
    keep_every: int = KEEP_EVERY,
    watcher: Watcher | None = None,
    start: Beginning | None = None,
) -> Pretrained:
    """Train a network on a corpus, or go on where a process was stopped.

    However often it is stopped, the weights come out the same (on one kind of device, with the same
    versions): what a step depends on is its number, the settings and what is kept.

    Args:
        config: The network to be shipped.
        corpus: What to train and validate on, one or several. Utterances that do not fit are left
            out and counted.
        work: Folder for the progress.
        settings: Of the training.
        device: Where to.
        keep_every: Steps between two copies of the progress.
        watcher: Is told how it goes.
        start: Weights to begin from; None: random ones. Its digest stands in ``settings``.

    Raises:
        InputError: The corpus, kept progress or the device cannot be used, or the network has no
            such exit.
        DivergedError: The loss or a weight is no finite number; what was kept before it stays.
        KeyboardInterrupt: Ctrl-C or SIGTERM; progress is kept as of the step under way.
    """
    watcher = watcher or Silent()
    config = replace(config, batch_size=settings.batch_size)
    aim = aim_of(config, settings)
    if start is not None:
        watcher.said(start.words)
    mixture = corpus if isinstance(corpus, Mixture) else Mixture.of(corpus)
    check_letters(mixture.utterances, config.alphabet, config.name, fold="--accents folded")
    chosen = choose(mixture, model_info(config))
    for reason, count in chosen.left_out.items():
        watcher.said(f"{count} of {len(mixture.utterances)} utterances left out: {reason}")
    begun_from = start.weights if start else None
    loss = loss_of(config, settings)
    engine = Engine(config, settings.seed, device, aim=aim, begun_from=begun_from, loss=loss)
    network = config.describe()
    exits = tuple(aim.exits or network.exit_names)
    writing = tuple(name for name in exits if network.exit(name).decoder)
    speech = Speech(engine, config, settings)
    labels = labels_for(engine, settings, speech.info)
    progress = Progress(work, config, mixture.sha256, settings)
    per_epoch = len(speech.order(chosen, 0))
    steps = settings.epochs * per_epoch
    place = _take_up(progress, engine, steps, watcher)
    done_before, began = place.step, time.monotonic()
    with interruptible_between_steps() as asked:
        for epoch, n, batch in _batches(speech, chosen, settings.epochs, place.step):
            started = time.monotonic()
            step_loss = engine.train(batch, settings.rate(place.step, steps), labels(batch))
            if not math.isfinite(step_loss):
                raise _diverged(f"the loss is {step_loss}", place.step + 1, steps, progress)
            place.loss_sum += step_loss
            place.step += 1
            place.seconds += time.monotonic() - started
            speed = (time.monotonic() - began) / (place.step - done_before)
            mean = place.loss_sum / (n + 1)
            watcher.stepped(StepReport(epoch + 1, settings.epochs, place.step, steps, mean, speed))
            if n + 1 == per_epoch:
                wer = _wers(engine, speech, chosen.validation, exits, writing)
                watcher.said(
                    f"epoch {epoch + 1}/{settings.epochs}: loss {mean:.3f}, validation WER "
                    f"{_words(wer)}, {place.seconds / 60:.1f} min of steps"
                )
                place.loss_sum = 0.0
            interrupted = asked()
            if interrupted or n + 1 == per_epoch or place.step % keep_every == 0:
                state = engine.state()
                if not finite(state):
                    fault = "a weight is NaN or infinite"
                    raise _diverged(fault, place.step, steps, progress)
                progress.keep(place, state)
            if interrupted:
                watcher.said(f"stopped after step {place.step}/{steps}; progress is kept in {work}")
                raise KeyboardInterrupt
    return Pretrained(
        engine.weights(),
        mixture.sha256,
        chosen.sizes,
        chosen.left_out,
        steps,
        place,
        _wers(engine, speech, chosen.validation, exits, writing) if exits else {},
    )


def _diverged(reason: str, step: int, steps: int, progress: Progress) -> DivergedError:
    """Return the error, with the step that is kept."""
    restored = progress.restore()
    before = (
        f"step {restored[0].step} is kept in {progress.path}"
        if restored
        else "no step was kept yet"
    )
    return DivergedError(
        f"the training diverged: {reason} in step {step} of {steps}; {before}\n"
        "  Give a lower --rate; it begins a training of its own."
    )


def _take_up(progress: Progress, engine: Engine, steps: int, watcher: Watcher) -> Place:
    """Put the engine where kept progress ends, and return that place."""
    restored = progress.restore()
    if restored is None:
        return Place(devices=(engine.device,))
    place, state = restored
    try:
        engine.set_state(state)
    except ValueError as error:
        raise progress.unusable(str(error)) from error
    if place.step == steps:
        watcher.said(f"trained already ({steps} steps)")
        return place
    watcher.said(f"goes on after step {place.step}/{steps}")
    place.taken_up_after += (place.step,)
    if engine.device not in place.devices:
        place.devices += (engine.device,)
    return place


def _batches(
    speech: Speech, chosen: Chosen, epochs: int, steps_taken: int
) -> Iterator[tuple[int, int, Batch]]:
    """Yield epoch, number in the epoch and batch, from step ``done`` on.

    The next batch is made while a step is taken.
    """

    def make(epoch: int, n: int, rows: Sequence[int]) -> tuple[int, int, Batch]:
        return epoch, n, speech.training_batch([chosen.train[row] for row in rows], epoch, n)

    with ThreadPoolExecutor(1) as pool:
        ahead = None
        number = 0
        for epoch in range(epochs):
            for n, rows in enumerate(speech.order(chosen, epoch)):
                number += 1
                if number <= steps_taken:
                    continue
                ready, ahead = ahead, pool.submit(make, epoch, n, rows)
                if ready is not None:
                    yield ready.result()
        if ahead is not None:
            yield ahead.result()


def _wers(
    engine: Engine,
    speech: Speech,
    clips: Sequence[Clip],
    exits: Sequence[str],
    writing: Sequence[str],
) -> dict[str, float]:
    """Return the WER (percent) over clips by exit; by "" in a network without exits.

    Args:
        engine: Hears them.
        speech: Makes batches.
        clips: What is listened to.
        exits: Whose heads are asked.
        writing: Exits whose decoders are asked, too.
    """
    info = speech.info

    def by_head(batch: Batch, name: str) -> list[str]:
        every = engine.infer(batch, name or None)
        return [greedy_decode(logits, info.targets) for logits in every]

    def by_decoder(batch: Batch, name: str) -> list[str]:
        every = engine.write(batch, name)
        return [info.targets.text(labels) for labels in every]

    heads = {name: _wer(speech, clips, partial(by_head, name=name)) for name in exits or ("",)}
    return heads | {
        f"{name}_attention": _wer(speech, clips, partial(by_decoder, name=name)) for name in writing
    }


def _words(wer: Mapping[str, float]) -> str:
    told = {name.replace("_attention", " by attention"): percent for name, percent in wer.items()}
    return ", ".join(f"{name} {percent:.1f} %".lstrip() for name, percent in told.items())


def _wer(speech: Speech, clips: Sequence[Clip], hear: Callable[[Batch], list[str]]) -> float:
    """Return the WER (percent) over clips, as a batch of them is heard."""
    info = speech.info
    by_length = sorted(clips, key=lambda clip: clip.samples)
    groups = [by_length[n : n + info.batch_size] for n in range(0, len(clips), info.batch_size)]
    heard = [text for group in groups for text in hear(speech.batch(group))]
    return wer_percent(zip((c.utterance.text for c in by_length), heard, strict=True))
