"""Word error rate (pure).

``words`` is the trainer's own scoring, small enough to run beside training; ``host`` scores again
with jiwer. The trainer imports only ``words``.
"""

from harness.metrics.words import WordErrors, wer_percent, word_errors

__all__ = ["WordErrors", "wer_percent", "word_errors"]
