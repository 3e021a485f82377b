"""What an import costs: time a clip, and memory, for a corpus and for one ten times as large.

``script/bench corpus [--clips 100000] [--speakers 4000] [--minutes-long 20]``.

Clips are short tones, made for the bench. Each import runs in a process of its own, so that its
peak of resident memory is its own. Linear means: the large corpus takes no more time a clip. Flat
means: it takes no more memory, but for what the system's allocator keeps. Last comes one long
recording, which is decoded in blocks.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

RATE = 16_000

_IMPORT = """
import json, resource, sys, time
from pathlib import Path
from harness.cli import corpus as cli
from harness.speech.importing import ImportOptions, import_recordings
from harness.speech.sources import find_sources

started = time.monotonic()
sources = find_sources(Path(sys.argv[1]), "folder")
done = import_recordings(sources, Path(sys.argv[2]), ImportOptions(skip_bad=True))
imported = time.monotonic()
cli._tell(done)
print(json.dumps({
    "seconds": imported - started,
    "summary_s": time.monotonic() - imported,
    "cpu_s": time.process_time(),
    "utterances": done.contents.utterances,
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
"""


def make_clips(folder: Path, clips: int, speakers: int) -> None:
    """Write ``clips`` recordings of half a second and a table of them."""
    folder.mkdir(parents=True)
    tone = (16_000 * np.sin(2 * np.pi * 440 * np.arange(RATE // 2) / RATE)).astype(np.int16)
    with (folder / "all.jsonl").open("w") as table:
        for number in range(clips):
            name = f"{number:07}.wav"
            # no two are the same file
            sound = np.append(tone, [number % 30_000, number // 30_000]).astype(np.int16)
            soundfile.write(folder / name, sound, RATE, subtype="PCM_16")
            text = f"clip {_word(number)}"
            row = {"file": name, "text": text, "speaker": f"s{number % speakers}"}
            table.write(json.dumps(row) + "\n")


def _word(number: int) -> str:
    letters = ""
    while True:
        number, digit = divmod(number, 26)
        letters += chr(ord("a") + digit)
        if not number:
            return letters


def measure(folder: Path, out: Path) -> dict[str, Any]:
    """Import a folder in a process of its own."""
    command = [sys.executable, "-c", _IMPORT, str(folder), str(out)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Run the bench and print its figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=10_000)
    parser.add_argument("--speakers", type=int, default=400)
    parser.add_argument("--minutes-long", type=float, default=20.0)
    options = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="bench-corpus-"))
    try:
        figures: dict[str, Any] = {}
        for name, share in (("small", 10), ("large", 1)):
            clips = options.clips // share
            started = time.monotonic()
            make_clips(root / name, clips, max(1, options.speakers // share))
            print(f"made {clips} clips in {time.monotonic() - started:.0f} s", file=sys.stderr)
            figures[name] = measure(root / name, root / f"{name}-out")
            figures[name]["ms_a_clip"] = 1000 * figures[name]["seconds"] / clips
        more = options.clips - options.clips // 10
        figures["time_ratio"] = figures["large"]["ms_a_clip"] / figures["small"]["ms_a_clip"]
        grown_mb = figures["large"]["peak_mb"] - figures["small"]["peak_mb"]
        figures["bytes_a_clip"] = round(1024**2 * grown_mb / more)
        figures["long"] = _long(root, options.minutes_long)
        print(json.dumps(figures, indent=1))
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _long(root: Path, minutes: float) -> dict[str, Any]:
    folder = root / "long"
    folder.mkdir()
    for number in range(2):
        path = folder / f"{number}.flac"
        with soundfile.SoundFile(path, "w", 44_100, 2, subtype="PCM_16") as file:
            second = np.sin(2 * np.pi * (400 + number) * np.arange(44_100) / 44_100)
            for _ in range(int(60 * minutes)):
                file.write(0.5 * np.stack([second, second], axis=1))
        path.with_suffix(".txt").write_text("alpha" if number else "bravo")
    return measure(folder, root / "long-out")


if __name__ == "__main__":
    main()
