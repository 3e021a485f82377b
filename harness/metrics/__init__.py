"""Word error rate and its kin (pure).

``words`` is the trainer's own scoring, small enough to run beside training; ``host`` scores again
with jiwer. The trainer imports only ``words``. Of finished runs besides: ``alignment`` (which word
became which, under named costs), ``rare_words`` (rare and common words apart), ``werr`` (against a
baseline), ``characters``, ``exits`` (what rules of leaving early come to).
"""

from harness.metrics.words import WordErrors, wer_percent, word_errors

__all__ = ["WordErrors", "wer_percent", "word_errors"]
