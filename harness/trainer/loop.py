"""The training protocol: one job from its first event to its last, over any `Learner`.

Select, load, compute features, evaluate; then epochs until one of the stop rules holds. Other
speakers of the job are listened to before the first epoch and after the last one. A process that is
started again on the same job (the phone killed the first) goes on after the last epoch whose
checkpoint is complete; Adam's moments start anew then.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import AsyncIterator

from harness.contract.events import (
    Checkpoint,
    Epoch,
    Finished,
    Hypothesis,
    Phase,
    PhaseChange,
    ReadBack,
    Selected,
    Started,
    Step,
    Stopped,
    StopReason,
    Update,
    UtteranceExits,
    UtteranceStreamed,
)
from harness.contract.job import CONTRACT_VERSION, Job
from harness.contract.share import WordCounts
from harness.errors import HarnessError
from harness.metrics.words import WordErrors, wer_percent, word_errors
from harness.trainer.history import History
from harness.trainer.learner import Learner, Log, Start, StopCommand
from harness.trainer.others import OtherSpeakers
from harness.trainer.policies import resources_allow, select_sub_model
from harness.trainer.share import UPDATE


class TrainingDivergedError(HarnessError):
    """The loss is no longer a number: the learning rate is too high for these weights."""


class MemoryUnknownError(HarnessError):
    """The phone does not tell MemAvailable, so no sub-model can be chosen."""


class Training:
    """One run of a learner on a job.

    Args:
        job: What to do.
        learner: What does it.
        log: Where to say what was done.
    """

    def __init__(self, job: Job, learner: Learner, log: Log) -> None:
        self._job = job
        self._learner = learner
        self._log = log
        self._history = History(log.before, job.keep)
        self._others = OtherSpeakers(job.also_evaluate, learner, log)
        self._sub_model: str | None = None

    async def run(self) -> None:
        """Train; ends with a ``finished`` event.

        Raises:
            InputError: A file of the job cannot be used.
            MemoryUnknownError: There is nothing to choose a sub-model by.
            TrainingDivergedError: The loss became infinite or NaN.
            StopCommand: Asked to stop before there was anything to finish with.
            OSError: A file could not be written.
        """
        if self._history.finished:
            return
        if self._history.stopped:
            await self._finish()  # killed between its last two words
            return
        await self._start()
        await self._select()
        async with self._phase("load"):
            await self._learner.load(self._sub_model, self._start_weights())
        async with self._phase("preprocess"):
            await self._learner.features()
        if 0 not in self._history.epochs:
            await self._evaluate(0, None, 0.0)
        reason: StopReason
        try:
            await self._listen_to_others(0)
            reason = await self._epochs()
        except StopCommand:
            reason = "command"
        else:
            with contextlib.suppress(StopCommand):  # an end was asked for after training ended
                await self._read_back(self._history.kept)
                await self._listen_to_others(self._history.kept)
        await self._share()
        await self._log.say(Stopped, reason=reason, epoch=self._history.done)
        await self._finish()

    async def _start(self) -> None:
        identity = self._learner.identity()
        await self._log.say(
            Started,
            trainer=identity.trainer,
            trainer_version=identity.trainer_version,
            runtime=identity.runtime,
            pid=identity.pid,
            threads=self._job.training.threads,
            contract_version=CONTRACT_VERSION,
        )

    async def _select(self) -> None:
        if self._history.selected is not None:
            self._sub_model = self._history.selected.sub_model
            return
        selection = self._job.selection
        available = self._learner.available_mb()
        trains = self._job.mode == "train"
        if available is None and selection.forced is None and trains:
            raise MemoryUnknownError("the phone does not tell MemAvailable")
        if trains:
            self._sub_model = selection.forced or select_sub_model(
                available or 0.0, selection.need_mb, selection.candidates
            )
        await self._log.say(
            Selected,
            sub_model=self._sub_model,
            policy=selection.policy,
            forced=trains and selection.forced is not None,
            available_mb=round(available or 0.0, 3),
            need_mb=selection.need_mb,
            rss_mb=self._learner.rss_mb(),
        )

    def _start_weights(self) -> Start | None:
        files = self._job.model
        own = self._history.last_checkpoint
        if own is not None:
            return Start(self._learner.checkpoint(own.epoch), own.sha256)
        if files.checkpoint is not None:
            return Start(files.checkpoint, files.checkpoint_sha256)
        return None

    async def _epochs(self) -> StopReason:
        if self._job.mode == "evaluate":
            return "evaluated"
        if self._sub_model is None:
            return "no_sub_model_fits"
        stop = self._job.stop
        patience = self._history.patience(stop)
        for epoch in range(self._history.done + 1, self._job.training.epochs + 1):
            if patience.stop:
                return "patience"
            if self._steps_left() == 0:
                return "steps_done"
            why = resources_allow(
                self._learner.battery_percent(),
                self._learner.available_mb(),
                battery_below_percent=stop.battery_below_percent,
                available_below_mb=stop.available_below_mb,
            )
            if why is not None:
                return why
            began = self._learner.clock()
            async with self._phase("train", epoch):
                loss = await self._train(epoch)
            await self._evaluate(epoch, loss, self._learner.clock() - began)
            async with self._phase("save", epoch):
                await self._save(epoch)
            patience = patience.after(self._history.epochs[epoch].wer_percent)
        if self._steps_left() == 0:
            return "steps_done"
        return "patience" if patience.stop else "epochs_done"

    def _steps_left(self) -> int | None:
        """Return how many optimiser steps the job may still take; None: it does not say."""
        limit = None if self._job.share is None else self._job.share.steps
        return None if limit is None else max(0, limit - self._history.steps)

    async def _train(self, epoch: int) -> float:
        """Take the steps of an epoch; return the mean loss of its utterances."""
        total, utterances, number = 0.0, 0, 0
        left = self._steps_left()
        async with contextlib.aclosing(self._learner.train(epoch)) as steps:
            async for step in steps:
                if not math.isfinite(step.loss):
                    raise TrainingDivergedError(
                        f"the loss is {step.loss} in step {number} of epoch {epoch}"
                    )
                await self._log.say(
                    Step,
                    epoch=epoch,
                    step=number,
                    loss=step.loss,
                    seconds=round(step.seconds, 4),
                    utterances=step.utterances,
                    changed_codes=step.changed_codes,
                )
                total += step.loss * step.utterances
                utterances += step.utterances
                number += 1
                if number == left:
                    break
        self._history.steps += number
        return total / utterances

    async def _evaluate(self, epoch: int, train_loss: float | None, train_seconds: float) -> None:
        utterances = self._job.data.validation
        began = self._learner.clock()
        async with self._phase("evaluate", epoch):
            heard = await self._hear(epoch)
        pairs = list(zip(utterances, heard, strict=True))
        errors = sum((word_errors(said.text, text) for said, text in pairs), WordErrors())
        wer = errors.known_wer_percent
        tells = self._tells
        self._history.epochs[epoch] = await self._log.say(
            Epoch,
            epoch=epoch,
            wer_percent=wer,
            train_loss=train_loss,
            train_seconds=round(train_seconds, 4),
            evaluate_seconds=round(self._learner.clock() - began, 4),
            battery_percent=self._learner.battery_percent(),
            available_mb=self._learner.available_mb(),
            best=self._history.is_best(wer),
            hypotheses=tuple(
                Hypothesis(id=utterance.id, text=text) for utterance, text in pairs if tells
            ),
            errors=None if tells else _counts(errors),
        )

    async def _hear(self, epoch: int) -> list[str]:
        """Return what is heard in the validation utterances; say where each of them left."""
        if self._job.streaming is not None:
            return await self._hear_on(epoch)
        if self._job.exits is None:
            return await self._learner.evaluate(epoch)
        every = await self._learner.evaluate_exits(epoch)
        for utterance, left in zip(self._job.data.validation, every, strict=True):
            answers = left.answers
            if not self._tells:
                answers = tuple(answer.model_copy(update={"text": None}) for answer in answers)
            await self._log.say(
                UtteranceExits,
                epoch=epoch,
                id=utterance.id,
                exit=left.exit,
                seconds=left.seconds,
                rule_seconds=left.rule_seconds,
                rows=left.rows,
                answers=answers,
            )
        return [left.text for left in every]

    async def _hear_on(self, epoch: int) -> list[str]:
        """Return what is heard in the validation utterances while they go on; say what it cost."""
        every = await self._learner.evaluate_streaming(epoch)
        for utterance, heard in zip(self._job.data.validation, every, strict=True):
            late = heard.last_word_s
            await self._log.say(
                UtteranceStreamed,
                epoch=epoch,
                id=utterance.id,
                audio_s=round(heard.audio_s, 4),
                compute_s=round(heard.compute_s, 6),
                steps=heard.steps,
                last_word_s=None if late is None else round(late, 4),
            )
        return [heard.text for heard in every]

    async def _read_back(self, epoch: int) -> None:
        """Hear with the kept checkpoint as it was stored, unless that was done before a kill."""
        done = any(isinstance(e, ReadBack) and e.epoch == epoch for e in self._log.before)
        if self._job.stored is None or epoch == 0 or done:
            return
        utterances = self._job.data.validation
        async with self._phase("evaluate", epoch):
            began = self._learner.clock()
            await self._learner.restore(epoch)
            if self._job.streaming is not None:
                every = await self._learner.evaluate_streaming(epoch)
                heard = [streamed.text for streamed in every]
            elif self._job.exits is None:
                heard = await self._learner.evaluate(epoch)
            else:
                heard = [left.text for left in await self._learner.evaluate_exits(epoch)]
            pairs = list(zip(utterances, heard, strict=True))
            await self._log.say(
                ReadBack,
                epoch=epoch,
                wer_percent=wer_percent((said.text, text) for said, text in pairs),
                evaluate_seconds=round(self._learner.clock() - began, 4),
                hypotheses=tuple(Hypothesis(id=said.id, text=text) for said, text in pairs),
            )

    @property
    def _tells(self) -> bool:
        """Whether what was heard may be told."""
        return self._job.share is None or self._job.share.hypotheses

    async def _listen_to_others(self, epoch: int) -> None:
        """Listen to those who were not yet heard with the weights of an epoch."""
        if not self._others.left(epoch):
            return
        async with self._phase("evaluate", epoch):
            if epoch not in (0, self._history.done):
                await self._learner.restore(epoch)
            await self._others.listen(epoch)

    async def _save(self, epoch: int) -> None:
        saved = await self._learner.save(epoch)
        await self._log.say(
            Checkpoint,
            epoch=epoch,
            path=self._learner.checkpoint(epoch),
            sha256=saved.sha256,
            size_bytes=saved.size_bytes,
            best=self._history.best == epoch,
            written=saved.written,
        )
        self._learner.keep_only({epoch, self._history.kept})

    async def _share(self) -> None:
        """Write what the job shares, if it shares something and has trained."""
        kept = self._history.kept
        share = self._job.share
        if share is None or not kept:
            return
        async with self._phase("save", kept):
            saved = await self._learner.share(kept, share)
        await self._log.say(
            Update,
            epoch=kept,
            path=f"{self._job.outputs.checkpoints}/{UPDATE}",
            sha256=saved.sha256,
            size_bytes=saved.size_bytes,
            form=share.form,
            layers=tuple(self._learner.trained_layers()),
            utterances=len(self._job.data.train),
            steps=self._history.steps,
            written=saved.written,
        )

    async def _finish(self) -> None:
        epochs, kept = self._history.epochs, self._history.kept
        await self._log.say(
            Finished,
            epochs=self._history.done,
            keep=self._job.keep,
            kept_epoch=kept,
            kept_checkpoint=self._learner.checkpoint(kept) if kept else None,
            wer_before_percent=epochs[0].wer_percent,
            wer_after_percent=epochs[kept].wer_percent,
            peak_rss_mb=self._learner.peak_rss_mb(),
        )

    @contextlib.asynccontextmanager
    async def _phase(self, phase: Phase, epoch: int | None = None) -> AsyncIterator[None]:
        async def say(state: str) -> None:
            await self._log.say(
                PhaseChange,
                phase=phase,
                state=state,
                epoch=epoch,
                rss_mb=self._learner.rss_mb(),
                peak_rss_mb=self._learner.peak_rss_mb(),
            )

        await say("begin")
        try:
            yield
        finally:
            await say("end")


def _counts(errors: WordErrors) -> WordCounts:
    return WordCounts(
        substitutions=errors.substitutions,
        deletions=errors.deletions,
        insertions=errors.insertions,
        reference_words=errors.reference_words,
    )
