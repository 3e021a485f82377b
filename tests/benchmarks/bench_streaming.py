"""What hearing recordings while they go on costs: WER, real-time factor, last word, memory.

``script/bench streaming FOLDER MANIFEST [--beam 1 2 4] [--threads 1 2] [--at-most 40] [--json]``.
Each beam and number of threads is ``harness model stream`` in a process of its own, one after the
other, over the same recordings.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

COLUMNS = {
    "beam": "beam",
    "threads": "threads",
    "wer_percent": "WER %",
    "real_time_factor": "real-time factor",
    "step_ms": "step ms",
    "last_word_ms_median": "last word ms",
    "last_word_ms_p90": "90 % ms",
    "added_mb": "added MiB",
    "peak_rss_mb": "peak MiB",
}


def streamed(arguments: argparse.Namespace, beam: int, threads: int) -> dict[str, Any]:
    """Measure in a fresh process."""
    command = [str(Path(sys.executable).with_name("harness")), "model", "stream", arguments.folder]
    command += ["--manifest", arguments.manifest, "--at-most", str(arguments.at_most)]
    command += ["--beam", str(beam), "--threads", str(threads), "--json"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return {"threads": threads, **json.loads(done.stdout)}


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(prog="script/bench streaming", description=__doc__)
    parser.add_argument("folder", help="A model folder of a transducer.")
    parser.add_argument("manifest", help="Of recordings; the validation half is heard.")
    parser.add_argument("--beam", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--at-most", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = [streamed(arguments, b, t) for b in arguments.beam for t in arguments.threads]
    if arguments.json:
        print(json.dumps(rows, indent=1))
        return
    first = rows[0]
    table = Table(
        title=f"{first['model']}: {first['recordings']} recordings, {first['audio_s']:.0f} s, "
        f"segments of {1000 * first['segment_s']:.0f} ms and "
        f"{1000 * first['waited_for_s']:.0f} ms ahead"
    )
    for title in COLUMNS.values():
        table.add_column(title, justify="right")
    for row in rows:
        table.add_row(*("none" if row[name] is None else str(row[name]) for name in COLUMNS))
    Console().print(table)


if __name__ == "__main__":
    main()
