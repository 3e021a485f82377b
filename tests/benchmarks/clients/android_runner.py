"""S2-group's android-runner, unpatched: its example experiment for native apps.

No package registry has it, so a checkout must be there; its requirements come from the registry.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from tests.benchmarks.clients.installing import NotHereError, python_environment
from tests.benchmarks.clients.outcome import Call, shortened
from tests.benchmarks.clients.phone import JudgedPhone
from tests.benchmarks.clients.running import run

COMMIT = "ddb1c98"
_REQUIREMENTS = (
    "pluginbase==1.0.1", "python-slugify==8.0.4", "lxml==6.0.2", "psutil==7.1.3",
    "pandas==2.3.3", "numpy==2.3.5", "setuptools<80",
)  # fmt: skip
_APP = "com.android.settings"
_NAME = "judged"
_PROFILERS = {
    "android": {"sample_interval": 100, "data_points": ["cpu", "mem"]},
    "garbagecollection": {"subject_aggregation": "none"},
    "frametimes": {"subject_aggregation": "none", "sample_interval": 1000},
}
_LEFT_OUT = {
    "batterymanager": "its companion app is Java code on the phone, which needs ART",
    "perfetto": "the kernel's trace is the host's",
    "trepn": "its app is Java code on the phone, which needs ART",
    "monsoon": "a power monitor beside the phone",
}


def ready(checkout: Path | None) -> Path:
    """Return the checkout, its requirements installed.

    Raises:
        NotHereError: There is none, or it is not the commit that is pinned.
    """
    if checkout is None:
        raise NotHereError("in no package registry: --android-runner FOLDER takes a checkout")
    if not (checkout / "AndroidRunner/Adb.py").is_file():
        raise NotHereError(f"{checkout} is no checkout of it")
    head = subprocess.run(
        ["git", "-C", str(checkout), "rev-parse", "HEAD"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if not head.stdout.startswith(COMMIT):
        raise NotHereError(f"{checkout} is at {head.stdout[:7] or 'no commit'}, not at {COMMIT}")
    python_environment(_REQUIREMENTS)
    return checkout.resolve()


def judge(checkout: Path, phone: JudgedPhone) -> list[Call]:
    """Run the example with each profiler that needs nothing more on the phone."""
    calls = [_experiment(checkout, phone, name) for name in _PROFILERS]
    return calls + [Call(name, "skipped", reason) for name, reason in _LEFT_OUT.items()]


def _experiment(checkout: Path, phone: JudgedPhone, profiler: str) -> Call:
    folder = phone.folder / profiler
    shutil.copytree(checkout / "examples/android", folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "devices.json").write_text(json.dumps({_NAME: phone.adb_serial}))
    config |= {
        "devices": {_NAME: {}},
        "devices_spec": str(folder / "devices.json"),
        "repetitions": 1,
        "apps": [_APP],
        "profilers": {profiler: _PROFILERS[profiler]},
    }
    (folder / "config.json").write_text(json.dumps(config))
    python = python_environment(_REQUIREMENTS)
    _, why = run([str(python), str(checkout), str(folder / "config.json")], phone, limit_s=300)
    logs = [path.read_text("utf-8") for path in folder.glob("output/*/experiment.log")]
    errors = [line for log in logs for line in log.splitlines() if ":ERROR:" in line]
    values = [
        path
        for path in folder.glob(f"output/*/data/{_NAME}/**/{profiler}/*.csv")
        if len(path.read_text("utf-8").splitlines()) > 1
    ]
    if why or errors or not values:
        return Call(profiler, "fails", shortened(why or " ".join(errors[:2]) or "no values"))
    return Call(profiler, "works")
