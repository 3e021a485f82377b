"""What goes into a transducer's loss: checked, and how much of the lattice it needs (numpy)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.errors import InputError

_MB = 1e6


def check_targets(
    labels: Sequence[Sequence[int]], frames: Sequence[int], outputs: int, blank: int
) -> None:
    """Check what a loss is asked of. More labels than frames are fine: a frame may write several.

    Args:
        labels: Outputs of each utterance.
        frames: Of each utterance.
        outputs: Of the joint network, the blank among them.
        blank: Output that is the blank.

    Raises:
        InputError: As many labels as frames are not there, an utterance has no frame or no label, a
            label is the blank or no output, or the blank is no output.
    """
    if not 0 <= blank < outputs:
        raise InputError(
            f"the blank is output {blank}, and there are {outputs}",
            where="blank",
            hint=f"Give 0 to {outputs - 1}.",
        )
    if len(labels) != len(frames):
        raise InputError(f"{len(labels)} targets for {len(frames)} utterances", where="targets")
    for row, (label, count) in enumerate(zip(labels, frames, strict=True)):
        where = f"utterance {row}"
        if count < 1:
            raise InputError(f"{count} frames", where=where, hint="It needs one at least.")
        if not label:
            raise InputError(
                "its target is empty",
                where=where,
                hint="Nothing can be learnt of it but silence: leave it out.",
            )
        for output in label:
            if output == blank:
                raise InputError(f"the target holds the blank ({blank})", where=where)
            if not 0 <= output < outputs:
                raise InputError(
                    f"the target holds output {output}, and there are {outputs}", where=where
                )


def check_alignment(alignment: Sequence[int], frames: int, left: int, right: int) -> None:
    """Check an alignment and how far labels may move from it.

    Args:
        alignment: The frame at which each label is written.
        frames: Of the utterance.
        left: Frames that a label may come earlier.
        right: Frames that it may come later.

    Raises:
        InputError: A frame is none of the utterance's, one is before the last label's, or a buffer
            is below 0.
    """
    if left < 0 or right < 0:
        raise InputError(f"buffers of {left} and {right} frames", hint="Give 0 or more.")
    before = 0
    for n, frame in enumerate(alignment):
        if not 0 <= frame < frames:
            raise InputError(
                f"it is at frame {frame}; the utterance has 0 to {frames - 1}", where=f"label {n}"
            )
        if frame < before:
            raise InputError(
                f"it is at frame {frame}, before the label that it follows", where=f"label {n}"
            )
        before = frame


def band_width(alignment: Sequence[int], frames: int, left: int, right: int) -> int:
    """Return the most nodes that a frame needs in a band around an alignment.

    Args:
        alignment: The frame at which each label is written, in order.
        frames: Of the utterance.
        left: Frames that a label may come earlier.
        right: Frames that it may come later.

    Raises:
        InputError: It is no alignment of the utterance.
    """
    check_alignment(alignment, frames, left, right)
    at, time = np.asarray(alignment, np.int64), np.arange(frames)[:, None]
    may_be_written = (at - left <= time).sum(1)
    must_be_written = (at + right < time).sum(1)
    return int((may_be_written - must_be_written).max()) + 1


def logits_mb(frames: int, nodes: int, outputs: int, batch: int = 1) -> float:
    """Return the megabytes (1e6 bytes) of float32 logits; training holds two to three such arrays.

    Args:
        frames: At which the encoder answers.
        nodes: At each frame: labels and one, or those of a band.
        outputs: Of the joint network.
        batch: Utterances.
    """
    return batch * frames * nodes * outputs * 4 / _MB
