"""Programs for 64-bit ARM on this computer: Debian's emulator and Python, wheels for ARM64.

Nothing is installed: packages are unpacked into a folder of the cache, and the emulator is told to
look there for the loader and the libraries (no chroot, no binfmt). apt works on lists of its own in
that folder, so that the computer's own architectures and sources stay as they are.
"""

from __future__ import annotations

import getpass
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import filelock

from harness.errors import HarnessError
from harness.paths import cache_root, data_root

SUITE = "trixie"
"""Of Debian: whose Python and C library run."""
PYTHON = "3.13"
"""Its Python."""
EMULATORS = {"bookworm": "qemu-user-static", "trixie": "qemu-user"}
"""Suite -> package of it with a statically linked emulator: versions 7.2 and 10.0."""

_PACKAGES = (
    *(f"python{PYTHON}-minimal", f"libpython{PYTHON}-minimal", f"libpython{PYTHON}-stdlib"),
    *("libc6", "libexpat1", "libssl3t64", "zlib1g", "libgcc-s1", "libstdc++6", "libffi8"),
    *("libbz2-1.0", "liblzma5"),
)
_LITERT = "ai-edge-litert"
_WHEELS = (
    *("numpy", _LITERT, "pydantic", "pydantic-core", "annotated-types"),
    *("typing-extensions", "typing-inspection"),
)
"""What the trainer imports."""
_PLATFORMS = tuple(f"manylinux_2_{minor}_aarch64" for minor in (17, 27, 28, 31, 34))
_PROGRAMS = ("apt-get", "dpkg")
_TIMEOUT_S = 900


class CannotRunError(HarnessError):
    """ARM64 code cannot be run here; the message is the reason."""


@dataclass(frozen=True)
class Arm64:
    """A Python for ARM64 that runs here.

    Attributes:
        emulator: The program.
        root: Debian's packages for ARM64, unpacked.
        site: Wheels for ARM64, unpacked.
    """

    emulator: Path
    root: Path
    site: Path

    def python(self, cpu: str = "max") -> list[str]:
        """Return the command of the Python on a processor that the emulator knows."""
        interpreter = self.root / "usr" / "bin" / f"python{PYTHON}"
        return [str(self.emulator), "-cpu", cpu, "-L", str(self.root), str(interpreter)]

    def environment(self) -> dict[str, str]:
        """Return the variables of its processes: this checkout and the wheels are imported."""
        kept = {name: os.environ[name] for name in ("HOME", "TMPDIR") if name in os.environ}
        path = os.pathsep.join([str(self.site), str(data_root())])
        return {
            **kept,
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": path,
            "PYTHONDONTWRITEBYTECODE": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }

    def emulator_version(self) -> str:
        """Return what the emulator calls itself."""
        said = _run([str(self.emulator), "--version"])
        return said.splitlines()[0].removeprefix("qemu-aarch64 version ")


def arm64(*, litert: str | None = None, emulator_of: str = SUITE) -> Arm64:
    """Fetch what is missing, and return a Python for ARM64.

    Args:
        litert: The version of its LiteRT; by default that of this environment.
        emulator_of: Suite of Debian.

    Raises:
        CannotRunError: It cannot be had here.
    """
    folder = cache_root() / "arm64"
    if platform.machine() != "x86_64" or platform.system() != "Linux":
        raise CannotRunError(f"this computer is no x86_64 with Linux but {platform.platform()}")
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if missing:
        raise CannotRunError(f"no {' and no '.join(missing)}: the packages are Debian's")
    folder.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(folder / ".lock"):
        emulator = _emulator(folder, emulator_of)
        root = _whole(
            folder / f"root-{SUITE}",
            lambda part: _unpack(folder, SUITE, "arm64", _PACKAGES, part),
        )
        own = litert or version(_LITERT)
        site = _whole(folder / f"site-{own}", lambda part: _install(part, own))
    arm = Arm64(emulator, root, site)
    _run([*arm.python(), "-c", "import numpy"], env=arm.environment())
    return arm


def _whole(folder: Path, make: Callable[[Path], None]) -> Path:
    """Make a folder once, whole or not at all."""
    if not folder.is_dir():
        part = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        make(part)
        part.replace(folder)
    return folder


def _emulator(folder: Path, suite: str) -> Path:
    unpacked = _whole(
        folder / f"emulator-{suite}",
        lambda part: _unpack(folder, suite, "amd64", [EMULATORS[suite]], part),
    )
    (program,) = (unpacked / "usr" / "bin").glob(
        "qemu-aarch64-static" if EMULATORS[suite].endswith("static") else "qemu-aarch64"
    )
    return program


def _unpack(
    folder: Path, suite: str, architecture: str, packages: Sequence[str], into: Path
) -> None:
    """Fetch packages of a suite of Debian and lay their files into a folder."""
    options = _apt_options(folder, suite, architecture)
    _run(["apt-get", *options, "update"])
    with tempfile.TemporaryDirectory(dir=folder) as name:
        wanted = [f"{package}:{architecture}" for package in packages]
        _run(["apt-get", *options, "download", *wanted], cwd=Path(name))
        for package in sorted(Path(name).glob("*.deb")):
            _run(["dpkg", "-x", str(package), str(into)])
    if not (into / "lib").exists():
        (into / "lib").symlink_to("usr/lib")  # a newer Debian's packages have no folder /lib


def _apt_options(folder: Path, suite: str, architecture: str) -> list[str]:
    """Return options by which apt knows one suite for one architecture, in files of its own."""
    uri, key = _debian()
    home = folder / f"apt-{suite}-{architecture}"
    for inner in ("lists/partial", "cache/archives/partial", "parts"):
        (home / inner).mkdir(parents=True, exist_ok=True)
    (home / "status").touch()
    signed = f" signed-by={key}" if key else ""
    line = f"deb [arch={architecture}{signed}] {uri} {suite} main\n"
    (home / "parts" / "debian.list").write_text(line)
    settings = {
        "Dir::State": home,
        "Dir::State::lists": home / "lists",
        "Dir::State::status": home / "status",
        "Dir::Cache": home / "cache",
        "Dir::Etc::sourcelist": os.devnull,
        "Dir::Etc::sourceparts": home / "parts",
        "APT::Architecture": architecture,
        "APT::Architectures": architecture,
        "APT::Sandbox::User": getpass.getuser(),
        "Acquire::Languages": "none",
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
    }
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def _debian() -> tuple[str, str]:
    """Return where this computer gets Debian's packages, and the file of the archive's keys."""
    system = platform.freedesktop_os_release()
    targets = _run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(SIGNED_BY)"]
    )
    for line in targets.splitlines():
        uri, release, component, key = line.split("|", 3)
        own = (system.get("ID"), system.get("VERSION_CODENAME"), "main")
        if own == ("debian", release, component):
            return uri, key if key.startswith("/") else ""
    raise CannotRunError(f"{system.get('PRETTY_NAME', 'this system')} has no packages of Debian")


def _install(into: Path, litert: str) -> None:
    """Unpack wheels for ARM64, of the versions of this environment but for LiteRT's."""
    pins = [f"{name}=={litert if name == _LITERT else version(name)}" for name in _WHEELS]
    platforms = [word for name in _PLATFORMS for word in ("--platform", name)]
    options = ["--quiet", "--no-deps", "--no-compile", "--only-binary=:all:"]
    options += ["--target", str(into), "--implementation", "cp", "--python-version", PYTHON]
    _run([sys.executable, "-m", "pip", "install", *options, *platforms, *pins])


def _run(
    command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> str:
    try:
        done = subprocess.run(
            command, cwd=cwd, env=env, capture_output=True, text=True, timeout=_TIMEOUT_S,
            check=True,
        )  # fmt: skip
    except subprocess.CalledProcessError as error:
        words = (error.stderr or error.stdout).strip().splitlines()
        reason = words[-1] if words else f"exit code {error.returncode}"
        raise CannotRunError(f"{' '.join(command[:3])} failed: {reason}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotRunError(f"{command[0]}: {error}") from error
    return done.stdout
