"""Other speakers, who are listened to while somebody else's training goes on: forgetting."""

from __future__ import annotations

from collections.abc import Sequence

from harness.contract.events import Hypothesis, OtherSpeakerHeard
from harness.contract.job import OtherSpeaker
from harness.metrics.words import wer_percent
from harness.trainer.learner import Learner, Log


class OtherSpeakers:
    """Who is listened to, and who was already, by a killed process too.

    Args:
        speakers: Of the job.
        learner: What hears them.
        log: Where it is said what was heard.
    """

    def __init__(self, speakers: Sequence[OtherSpeaker], learner: Learner, log: Log) -> None:
        self._speakers = speakers
        self._learner = learner
        self._log = log
        self._heard = {
            (event.epoch, event.speaker)
            for event in log.before
            if isinstance(event, OtherSpeakerHeard)
        }

    def left(self, epoch: int) -> list[OtherSpeaker]:
        """Return who was not yet heard with the weights of an epoch."""
        return [each for each in self._speakers if (epoch, each.speaker) not in self._heard]

    async def listen(self, epoch: int) -> None:
        """Listen to those who are left, with the weights that are loaded: those of ``epoch``.

        Raises:
            InputError: A recording cannot be used.
            StopCommand: Asked to stop; those who were heard by then are in the log.
        """
        for other in self.left(epoch):
            began = self._learner.clock()
            heard = await self._learner.listen(other.validation)
            pairs = list(zip(other.validation, heard, strict=True))
            await self._log.say(
                OtherSpeakerHeard,
                epoch=epoch,
                speaker=other.speaker,
                wer_percent=wer_percent((utterance.text, text) for utterance, text in pairs),
                evaluate_seconds=round(self._learner.clock() - began, 4),
                hypotheses=tuple(
                    Hypothesis(id=utterance.id, text=text) for utterance, text in pairs
                ),
            )
            self._heard.add((epoch, other.speaker))
