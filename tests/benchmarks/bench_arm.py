"""The trainer on ARM64 code: the same jobs on this computer's processor and on an emulated one.

``script/bench arm [--cpu max] [--litert VERSION] [--why] [--json FILE]``. The first call fetches
Debian's emulator and ARM64 Python and wheels for ARM64 into the cache; nothing is installed. Where
that cannot be had it says why, and measures nothing.

- The jobs are those by which the Java trainer is compared with this one, on ``ds2-tiny``: every
  decision must be the same, each loss within rounding.
- ``--why`` asks LiteRT's wheels for what they cannot do: which of them end the process at what, on
  an old and a newer emulator.
- ``--pages FILE`` has an ARM64 loader map the libraries of an APK or AAR, told of several sizes of
  memory pages.

An emulator says nothing of speed: no time is told.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from harness.contract.events import Finished, Selected, Step, Stopped
from harness.paths import data_root
from tests.benchmarks.arm64 import EMULATORS, SUITE, Arm64, CannotRunError, arm64
from tests.fixtures.jobs import TINY, tiny_job
from tests.fixtures.trainer_logs import decisions, of, run

TRAINER = ("-m", "harness.trainer")
ROUNDING = 1e-3
"""Of a loss, relative: as between the Java trainer and this one."""
JOBS: Mapping[str, Mapping[str, object]] = {
    "S1, six epochs": {"training": {"epochs": 6, "seed": 3}},
    "S5, forced": {"selection": {"forced": "S5"}},
    "S8, all that fits": {"selection": {"need_mb": {"S1": 1e9, "S5": 1e9, "S8": 1}}},
    "patience": {"stop": {"patience": 1}, "training": {"epochs": 9}},
    "the paper's stop": {"stop": {"policy": "as_printed", "patience": 1}},
    "nothing fits": {"selection": {"need_mb": {"S1": 1e9, "S5": 1e9, "S8": 1e9}}},
}
WHEELS = ("2.1.6", "2.3.0")
_PROBES = {
    "interpreter": "",
    "resize to no dimensions": (
        "runner = interpreter.get_signature_runner('features')\n"
        "samples = runner.get_input_details()['samples']['index']\n"
        "interpreter._interpreter.ResizeInputTensor(\n"
        "    samples, np.array((), np.int32), False, runner._subgraph_index)\n"
    ),
    "features, without a resize": (
        "from harness.trainer.transfer import run\n"
        "shape = interpreter.get_signature_runner('features').get_input_details()['pcm']['shape']\n"
        "run(interpreter, 'features', "
        "{'pcm': np.zeros(shape, np.int16), 'samples': np.array(9000, np.int32)})\n"
    ),
}
_PROBE_HEAD = (
    "import sys\nimport numpy as np\n"
    "from ai_edge_litert.interpreter import Interpreter\n"
    "interpreter = Interpreter(sys.argv[1], num_threads=1)\n"
)


@dataclass(frozen=True)
class Compared:
    """A job on both processors.

    Attributes:
        job: Its name.
        sub_model: That was chosen on ARM64.
        stopped: Why it ended there.
        epochs: That it took.
        kept_epoch: Whose weights it kept.
        losses: How many steps were compared.
        same_decisions: Whether each decision, word error rate and transcript is the same.
        largest_difference: Of a step's loss, relative to this computer's.
    """

    job: str
    sub_model: str | None
    stopped: str
    epochs: int
    kept_epoch: int | None
    losses: int
    same_decisions: bool
    largest_difference: float

    @property
    def agrees(self) -> bool:
        """Whether ARM64 code did as this computer's."""
        return self.same_decisions and self.largest_difference <= ROUNDING

    def shown(self) -> dict[str, object]:
        """Return a row of the table."""
        return {
            "job": self.job,
            "trained": self.sub_model or "nothing",
            "stopped by": self.stopped,
            "epochs": self.epochs,
            "steps": self.losses,
            "decisions": "the same" if self.same_decisions else "DIFFER",
            "losses within": f"{self.largest_difference:.1e}",
        }


def compare(name: str, changes: Mapping[str, object], arm: Arm64, cpu: str) -> Compared:
    """Train a job on both processors."""
    with tempfile.TemporaryDirectory(prefix="bench-arm-") as folder:
        own = _trained(Path(folder), [sys.executable], None, changes)
    with tempfile.TemporaryDirectory(prefix="bench-arm-") as folder:
        theirs = _trained(Path(folder), arm.python(cpu), arm.environment(), changes)
    pairs = list(
        zip((e.loss for e in of(own, Step)), (e.loss for e in of(theirs, Step)), strict=False)
    )
    (finished,) = of(theirs, Finished)
    return Compared(
        job=name,
        sub_model=of(theirs, Selected)[0].sub_model,
        stopped=of(theirs, Stopped)[0].reason,
        epochs=finished.epochs,
        kept_epoch=finished.kept_epoch,
        losses=len(pairs),
        same_decisions=decisions(own) == decisions(theirs),
        largest_difference=max((abs(a - b) / abs(a) for a, b in pairs), default=0.0),
    )


def _trained(
    folder: Path, python: list[str], env: dict[str, str] | None, changes: Mapping[str, object]
) -> list[Any]:
    code, events = run(
        [*python, *TRAINER], tiny_job(folder, **changes), folder, env=env, timeout_s=600
    )
    if code != 0 or not of(events, Finished):
        last = events[-1] if events else "it wrote no event"
        raise CannotRunError(f"the trainer ended with {code}: {last}")
    return events


def why(cpu: str) -> list[dict[str, str]]:
    """Ask each wheel for each thing on each emulator; return rows of a table."""
    rows = []
    for litert in WHEELS:
        for suite in EMULATORS:
            arm = arm64(litert=litert, emulator_of=suite)
            row = {"LiteRT": litert, "emulator": arm.emulator_version().partition(" ")[0]}
            rows.append(row | {what: _probed(arm, cpu, text) for what, text in _PROBES.items()})
    return rows


def _probed(arm: Arm64, cpu: str, text: str) -> str:
    (model,) = TINY.glob("*.tflite")
    done = subprocess.run(
        [*arm.python(cpu), "-c", _PROBE_HEAD + text, str(model)],
        env=arm.environment(),
        cwd=data_root(),
        capture_output=True,
        text=True,
        timeout=600,
    )
    if done.returncode < 0 or done.returncode > 128:
        return f"signal {-done.returncode if done.returncode < 0 else done.returncode - 128}"
    if done.returncode:
        return done.stderr.strip().splitlines()[-1][:60]
    return "yes"


def pages(path: Path) -> list[dict[str, str]]:
    """Have glibc's loader map each ARM64 library of an APK or AAR; return rows of a table."""
    arm = arm64(emulator_of="bookworm")  # newer ones cannot tell another page size
    rows = []
    with zipfile.ZipFile(path) as opened, tempfile.TemporaryDirectory() as folder:
        names = [name for name in opened.namelist() if "/arm64-v8a/" in name]
        for name in sorted(names):
            library = Path(opened.extract(name, folder))
            row = {"library": library.name}
            for size in (4096, 16384):
                row[f"pages of {size}"] = _mapped(arm, library, size)
            rows.append(row)
    return rows or [{"library": "none for arm64-v8a"}]


def _mapped(arm: Arm64, library: Path, page: int) -> str:
    loader = arm.root / "lib" / "ld-linux-aarch64.so.1"
    done = subprocess.run(
        [str(arm.emulator), "-p", str(page), "-L", str(arm.root), str(loader), "--list", library],
        capture_output=True,
        text=True,
        timeout=60,
    )
    # once it is mapped, the loader looks for what it needs: Android's own, which are not there
    mapped = done.returncode == 0 or "cannot open shared object file" in done.stderr
    return "mapped" if mapped else done.stderr.strip().rpartition(": ")[2]


def _table(title: str, rows: Sequence[Mapping[str, object]]) -> Table:
    table = Table(title=title)
    for name in rows[0]:
        table.add_column(str(name))
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, print a table; 1 if ARM64 code decided otherwise or a loss is beyond rounding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cpu", default="max", help="as the emulator calls it: cortex-a72, ...")
    parser.add_argument("--litert", help="version of LiteRT (that of this environment)")
    parser.add_argument("--why", action="store_true", help="what the wheels cannot do")
    parser.add_argument("--pages", type=Path, help="an APK or AAR")
    parser.add_argument("--json", type=Path, help="file for all figures")
    options = parser.parse_args(arguments)
    console = Console()
    try:
        if options.pages:
            found: list[dict[str, Any]] = list(pages(options.pages))
            console.print(_table(f"Libraries of {options.pages.name}", found))
            failed = 0
        elif options.why:
            found = list(why(options.cpu))
            console.print(_table(f"LiteRT's wheels on ARM64 ({options.cpu})", found))
            failed = 0
        else:
            arm = arm64(litert=options.litert)
            results = [compare(name, job, arm, options.cpu) for name, job in JOBS.items()]
            found = [asdict(result) for result in results]
            title = f"ARM64 ({options.cpu}) on the emulator {arm.emulator_version()} of {SUITE}"
            console.print(_table(title, [result.shown() for result in results]))
            failed = sum(not result.agrees for result in results)
            console.print(f"{len(results) - failed} of {len(results)} jobs agree")
    except CannotRunError as error:
        print(f"skipped: {error}")
        return 0
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
