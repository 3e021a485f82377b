"""The clock of a recording that goes on, and where speech ends."""

import numpy as np
import pytest

from harness.trainer.streamed import end_of_speech, stream

RATE = 1000


class Slow:
    """Takes 100 samples a step, writes a letter a step but for silence, and moves a clock."""

    def __init__(self, step_s, silent_after=10**9):
        self.text, self.now, self.steps = "", 0.0, 0
        self._step_s, self._waiting, self._heard, self._silent = step_s, 0, 0, silent_after

    def clock(self):
        return self.now

    @property
    def samples_wanted(self):
        return 100 - self._waiting

    def hear(self, pcm):
        self._waiting += len(pcm)
        assert self._waiting <= 100  # never more than a step takes
        if self._waiting == 100:
            self._step()

    def end(self):
        if self._waiting:
            self._step()
        return self.text

    def _step(self):
        self.now += self._step_s
        self.steps += 1
        self._heard += self._waiting
        self._waiting = 0
        if self._heard <= self._silent:
            self.text += "a"


def heard(step_s, samples=450, **more):
    slow = Slow(step_s, **more)
    return stream(slow, np.full(samples, 1000, np.int16), RATE, slow.clock)


def test_a_fast_model_waits_for_samples():
    result = heard(0.01)
    assert result.text == "aaaaa"
    assert result.compute_s == pytest.approx(0.05)
    assert result.steps == 5
    assert result.real_time_factor == pytest.approx(0.05 / 0.45)
    assert result.last_word_s == pytest.approx(0.01)


def test_a_slow_model_falls_behind():
    """The first step begins at 0.1 s, and each of five takes 0.3 s."""
    result = heard(0.3)
    assert result.real_time_factor > 1
    assert result.last_word_s == pytest.approx(0.1 + 5 * 0.3 - 0.45)


def test_the_last_word_may_be_there_before_the_end():
    result = heard(0.01, silent_after=200)
    assert result.text == "aa"
    assert result.last_word_s == pytest.approx(0.21 - 0.45)
    assert heard(0.01, silent_after=0).last_word_s is None


def test_speech_ends_where_it_is_no_longer_loud():
    pcm = np.zeros(1000, np.int16)
    pcm[200:600] = 10_000
    pcm[600:900] = 100  # 40 dB below
    assert end_of_speech(pcm, RATE) == pytest.approx(0.6)
    pcm[600:705] = 1000
    assert end_of_speech(pcm, RATE) == pytest.approx(0.71)
    assert end_of_speech(np.zeros(5, np.int16), RATE) == pytest.approx(0.005)
