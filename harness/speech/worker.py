"""A process that speaks: each text in a fork of one that has loaded the voices and said nothing.

Requests are JSON lines on standard input; an answer is a little-endian header (status u8, bytes
u32) and the samples or an error text. ``Synthesiser`` is the side that asks.
"""

from __future__ import annotations

import dataclasses
import json
import os
import struct
import subprocess
import sys
from types import TracebackType
from typing import BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray

from harness.speech.speakers import Speaker
from harness.speech.synthesis import SynthesisError, library, synthesise_here

_HEADER = struct.Struct("<BI")
_OK, _FAILED = 0, 1


class Synthesiser:
    """Speaks repeatably: the same text and speaker give the same bytes, in any order, any process.

    Use as a context manager; not for several threads at once.
    """

    def __init__(self) -> None:
        # A fixed fill of fresh memory, for voices that read memory they never wrote.
        env = {**os.environ, "MALLOC_PERTURB_": "90"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from harness.speech.worker import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=env,
        )

    def __enter__(self) -> Synthesiser:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def synthesise(self, text: str, speaker: Speaker) -> NDArray[np.int16]:
        """Speak a text.

        Args:
            text: Words of the voice's language, as `harness.speech.text.normalise_text` leaves
                them.
            speaker: Who speaks.

        Returns:
            Samples, shape [N], mono, 16 kHz.

        Raises:
            SynthesisError: The voices are missing, or this one cannot say it.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = json.dumps({"text": text, "speaker": dataclasses.asdict(speaker)})
        try:
            self._process.stdin.write(request.encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise SynthesisError("the process that speaks has died") from error
        head = self._process.stdout.read(_HEADER.size)
        if len(head) < _HEADER.size:
            raise SynthesisError("the process that speaks has died")
        status, size = _HEADER.unpack(head)
        body = self._process.stdout.read(size)
        if status != _OK:
            raise SynthesisError(body.decode("utf-8", "replace"))
        return np.frombuffer(body, np.int16)


def synthesise(
    text: str, speaker: Speaker, *, rate: int | None = None, pitch: int | None = None
) -> NDArray[np.int16]:
    """Speak one text repeatably (see :meth:`Synthesiser.synthesise`).

    Args:
        text: Words of the voice's language, normalised.
        speaker: Who speaks.
        rate: Words a minute, if other than the speaker's.
        pitch: 0 to 99, if other than the speaker's.
    """
    speaker = dataclasses.replace(
        speaker,
        words_per_minute=speaker.words_per_minute if rate is None else rate,
        pitch=speaker.pitch if pitch is None else pitch,
    )
    with Synthesiser() as synthesiser:
        return synthesiser.synthesise(text, speaker)


def _answer(out: BinaryIO, line: str) -> NoReturn:
    try:
        request = json.loads(line)
        speaker = Speaker(**request["speaker"])
        status, body = _OK, synthesise_here(request["text"], speaker).tobytes()
    except SynthesisError as error:
        status, body = _FAILED, str(error).encode()
    out.write(_HEADER.pack(status, len(body)) + body)
    out.flush()
    os._exit(0)


def main() -> None:
    """Answer requests until standard input ends."""
    out = sys.stdout.buffer
    failure = b""
    try:
        library()
    except SynthesisError as error:
        failure = str(error).encode()
    for line in sys.stdin:
        if failure:
            out.write(_HEADER.pack(_FAILED, len(failure)) + failure)
            out.flush()
            continue
        child = os.fork()
        if child == 0:
            _answer(out, line)
        _, status = os.waitpid(child, 0)
        if status != 0:
            message = f"espeak-ng died (wait status {status}) on {line.strip()}".encode()
            out.write(_HEADER.pack(_FAILED, len(message)) + message)
            out.flush()
