"""Conversion in a process of its own, so that it can be watched, interrupted and kept quiet.

tensorflow's converter works for minutes without looking at signals, holds a gigabyte afterwards and
says a page about itself. Here that process is killed on Ctrl-C, and its words are shown only if it
fails.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path

from harness.atomic import whole
from harness.errors import HarnessError
from harness.model.configuration import NetworkConfig

_LINES = 25


class ConversionError(HarnessError):
    """tensorflow could not convert a network."""


def convert(
    config: NetworkConfig,
    out: Path,
    *,
    seed: int = 0,
    embed: bool = True,
    sub_models: Collection[str] | None = None,
) -> Path:
    """Write a trainable flatbuffer, as ``harness.model.export.build_model`` does, from outside.

    Args:
        config: Sizes, batch size among them.
        out: The ``.tflite`` file to write; it appears whole or not at all.
        seed: Of the random weights.
        embed: Keep the weights in the file.
        sub_models: Those to make ``train_`` signatures for; None = all of the network.

    Returns:
        ``out``.

    Raises:
        ConversionError: It failed; with the last lines that the process wrote.
    """
    # quiet at import already; errors are still written
    env = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "1")}
    with tempfile.TemporaryDirectory(prefix="harness-convert-") as folder:
        partial = Path(folder) / "model.tflite"
        options = {"seed": seed, "embed": embed, "sub_models": sub_models}
        request = pickle.dumps((config, partial, options))
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "harness.model.convert"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                # what the converter leaves behind when it is killed goes with the folder
                env={**env, "TMPDIR": folder},
            )
            try:
                process.communicate(request)
            finally:
                process.kill()
                process.wait()
        if process.returncode != 0 or not partial.is_file():
            raise ConversionError(_failure(config, process.returncode, log))
        _move(partial, out)
    return out


def _failure(config: NetworkConfig, code: int, log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-_LINES:]
    ending = f"was ended by signal {-code}" if code < 0 else f"failed (exit code {code})"
    return "\n  ".join(
        [f"the conversion of {config.name} for batch size {config.batch_size} {ending}", *lines]
    )


def _move(source: Path, out: Path) -> None:
    """Copy to the folder of ``out``, perhaps another file system, and rename there."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with whole(out) as partial:
        partial.write_bytes(source.read_bytes())
        partial.chmod(0o644)


def main() -> None:
    """Convert what standard input asks for."""
    config, out, options = pickle.loads(sys.stdin.buffer.read())  # noqa: S301 - from our parent
    from harness.model.export import build_model

    build_model(config, out, **options)


if __name__ == "__main__":
    main()
