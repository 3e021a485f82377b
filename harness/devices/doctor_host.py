"""Is this computer fit for work? What to do where not."""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.adb.server import adb_binary
from harness.devices.findings import Check
from harness.devices.profile import broken_profiles, load_profiles
from harness.errors import HarnessError
from harness.paths import cache_root

_DISTRIBUTION = "mobileasr-lab"
_LEAST_DISK_MB = 2048
_LEAST_MEMORY_MB = 4096
_CALL_TIMEOUT_S = 20.0


def check_host() -> list[Check]:
    """Look at this computer: Python, packages, adb, isolation, disk, memory, speech."""
    return [
        _python(),
        *_packages(),
        _adb(),
        _isolation(),
        _disk(),
        _machine(),
        _espeak(),
        _profiles(),
    ]


def _python() -> Check:
    version = platform.python_version()
    if (3, 10) <= sys.version_info[:2] <= (3, 14):
        return Check("host", "python", "ok", version)
    return Check("host", "python", "warning", version, "Tried with Python 3.10 to 3.14.")


def _packages() -> Iterator[Check]:
    try:
        wanted = importlib.metadata.requires(_DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        yield Check("host", "packages", "warning", f"{_DISTRIBUTION} is not installed")
        return
    missing, there = [], []
    for line in wanted:
        name = re.match(r"[A-Za-z0-9._-]+", line)
        if name is None or "extra ==" in line:
            continue
        try:
            there.append(f"{name[0]} {importlib.metadata.version(name[0])}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name[0])
    if missing:
        advice = f"pip install {' '.join(missing)}"
        yield Check("host", "packages", "problem", f"missing: {', '.join(missing)}", advice)
    else:
        yield Check("host", "packages", "ok", ", ".join(there))
    model = importlib.util.find_spec("tensorflow") is not None
    detail = "tensorflow is here" if model else "no tensorflow: models can be used, not built"
    advice = "" if model else f"pip install '{_DISTRIBUTION}[model]'"
    yield Check("host", "model building", "ok" if model else "info", detail, advice)


def _adb() -> Check:
    try:
        binary = adb_binary()
        text = _said([str(binary), "version"])
    except (HarnessError, OSError, subprocess.TimeoutExpired) as error:
        return Check("host", "adb", "problem", str(error))
    version = re.search(r"^Version (\S+)", text, re.MULTILINE)
    bundled = "adbutils" in binary.parts
    origin = "of the adbutils wheel" if bundled else str(binary)
    return Check("host", "adb", "ok", f"{version[1] if version else text.strip()}, {origin}")


def _isolation() -> Check:
    command = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "true"]
    try:
        result = subprocess.run(command, capture_output=True, timeout=_CALL_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check("host", "isolation", "info", f"not known ({error})")
    if result.returncode == 0:
        return Check("host", "isolation", "ok", "user namespaces: virtual phones have own roots")
    message = result.stderr.decode("utf-8", "replace").strip()
    return Check(
        "host",
        "isolation",
        "info",
        f"no user namespaces ({message}): virtual phones share this host's root",
        "Nothing has to be done; reports name it.",
    )


def _disk() -> Check:
    folder = _existing(cache_root())
    free_mb = shutil.disk_usage(folder).free / (1 << 20)
    low = free_mb < _LEAST_DISK_MB
    advice = f"A run with speech and models takes up to {_LEAST_DISK_MB} MiB." if low else ""
    return Check(
        "host", "disk", "warning" if low else "ok", f"{free_mb:.0f} MiB free at {folder}", advice
    )


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _machine() -> Check:
    cpus = len(os.sched_getaffinity(0))
    total_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 20)
    low = total_mb < _LEAST_MEMORY_MB
    return Check(
        "host",
        "machine",
        "warning" if low else "ok",
        f"{platform.machine()}, {cpus} CPUs, {total_mb:.0f} MiB",
        "Virtual phones train in this memory; start fewer at once." if low else "",
    )


def _espeak() -> Check:
    try:
        import espeakng_loader

        library, data = espeakng_loader.get_library_path(), espeakng_loader.get_data_path()
        ctypes.CDLL(str(library))
        there = Path(data).is_dir()
    except (ImportError, OSError, AttributeError) as error:
        advice = "pip install espeakng-loader"
        return Check("host", "espeak-ng", "problem", f"cannot be loaded: {error}", advice)
    if not there:
        return Check("host", "espeak-ng", "problem", f"its voices are missing ({data})")
    return Check("host", "espeak-ng", "ok", f"of the espeakng-loader wheel, voices in {data}")


def _profiles() -> Check:
    wrong = broken_profiles()
    if wrong:
        advice = "These are left out. Mend or remove them; the others are used."
        return Check("host", "profiles", "warning", "; ".join(map(str, wrong)), advice)
    return Check("host", "profiles", "ok", ", ".join(load_profiles()))


def _said(command: Iterable[str]) -> str:
    result = subprocess.run(
        list(command), capture_output=True, timeout=_CALL_TIMEOUT_S, check=False
    )
    return (result.stdout + result.stderr).decode("utf-8", "replace")
