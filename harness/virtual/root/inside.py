"""Make the namespaces and mounts of one phone; run as a program of its own, never imported.

``python -I -S inside.py CONFIG`` with CONFIG as JSON (see ``userns._config``). It prints one JSON
line, ``{"init": host pid, "daemons": names}`` or ``{"error": text}``, and then becomes ``cat``: one
outside the phone's pid namespace, one as the phone's init. Both, and the daemons, read the pipe
that is their standard input, so the phone ends when the farm does, however the farm ends. SIGCHLD
is ignored in them, so the kernel reaps what is left to init.

Only the standard library, and no package of ours: it starts in some 20 ms.

Source: user_namespaces(7), mount_namespaces(7), pivot_root(2).
"""

from __future__ import annotations

import ctypes
import json
import math
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

CLONE_NEWTIME = 0x00000080
CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MNT_DETACH = 2

# statvfs has its own numbers for what a remount of a bind must repeat
_KEPT_FLAGS = ((2, MS_NOSUID), (4, MS_NODEV), (8, 8), (1024, 1024), (2048, 2048), (4096, 1 << 21))

_HOST_FOLDERS = ("usr", "lib", "lib32", "lib64", "libx32", "nix")
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
# With the host's root as its user, the phone's user would own these switches of the whole kernel.
_READ_ONLY_PROC = ("sys", "sysrq-trigger", "irq", "bus", "fs")

_libc = ctypes.CDLL(None, use_errno=True)


class SetupError(Exception):
    """A step failed: which, and why."""


def _call(step: str, result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise SetupError(f"{step}: {os.strerror(number)} (errno {number})")


def _unshare(flags: int, what: str) -> None:
    _call(f"unshare {what}", _libc.unshare(flags))


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    _call(
        f"mount {kind or 'bind'} on {target}",
        _libc.mount(
            os.fsencode(source) if source is not None else None,
            os.fsencode(target),
            kind.encode() if kind is not None else None,
            ctypes.c_ulong(flags),
            data.encode() if data else None,
        ),
    )


def _bind(source: str, target: str, *, read_only: bool = False) -> None:
    """Show ``source`` (folder or file) at ``target``, making the place for it."""
    place = Path(target)
    if Path(source).is_dir():
        place.mkdir(parents=True, exist_ok=True)
    elif not place.exists():  # /proc's own files are there and may not be touched
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    _mount(source, target, None, MS_BIND | MS_REC)
    if read_only:
        # flags that the mount below has are locked in a user namespace: leaving one out is refused
        present = os.statvfs(target).f_flag
        flags = sum(flag for bit, flag in _KEPT_FLAGS if present & bit)
        _mount(None, target, None, MS_BIND | MS_REMOUNT | MS_RDONLY | flags)


def _own_user(uid: int, gid: int) -> None:
    """Be the one user of a new user namespace, under the number Android's shell has."""
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    _unshare(CLONE_NEWUSER, "user")
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{uid} {outer_uid} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{gid} {outer_gid} 1", encoding="ascii")


def _own_clock(offset_s: float) -> None:
    """Let the clocks since boot be off the host's for all that is forked from now on.

    Source: time_namespaces(7).
    """
    _unshare(CLONE_NEWTIME, "time")
    seconds = math.floor(offset_s)
    offset = f"{seconds} {int((offset_s - seconds) * 1e9)}"
    offsets = "".join(f"{clock} {offset}\n" for clock in ("monotonic", "boottime"))
    Path("/proc/self/timens_offsets").write_text(offsets, encoding="ascii")


def _build(config: dict[str, Any]) -> int | None:
    """Mount the phone's tree and make it the root; return what :func:`_proc` does."""
    host = str(config["root"])
    new = str(config["mount_point"])
    _mount(None, "/", None, MS_REC | MS_PRIVATE)
    _mount("phone", new, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=64m")
    for folder in ("data", "storage"):
        _bind(f"{host}/{folder}", f"{new}/{folder}")
    for folder in ("system", "sys"):
        _bind(f"{host}/{folder}", f"{new}/{folder}", read_only=True)
    Path(f"{new}/mnt").mkdir()
    for name in ("sdcard", "mnt/sdcard"):  # the rest lies in what is bound already
        Path(f"{new}/{name}").symlink_to(os.readlink(f"{host}/{name}"))  # noqa: PTH115
    _host_libraries(new)
    _etc(host, new)
    _dev(host, new)
    next_pid = _proc(host, new)
    for path in config["binds"]:
        _bind(path, f"{new}{path}", read_only=True)
    socket.sethostname("localhost")
    os.chdir(new)
    _call("pivot_root", _libc.pivot_root(b".", b"."))
    _call("umount old root", _libc.umount2(b".", MNT_DETACH))
    os.chdir("/")
    _mount(None, "/", None, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV)
    return next_pid


def _host_libraries(new: str) -> None:
    """Lend the host's programs and libraries; PATH doesn't lead there."""
    for name in _HOST_FOLDERS:
        source = Path("/", name)
        if source.is_symlink():
            Path(new, name).symlink_to(source.readlink())
        elif source.is_dir():
            _bind(str(source), f"{new}/{name}", read_only=True)
    for name in ("bin", "sbin"):
        source = Path("/", name)
        if source.is_symlink() or not source.is_dir():
            Path(new, name).symlink_to("/system/bin")
        else:  # a host whose /bin is apart from /usr/bin: its tools need it
            _bind(str(source), f"{new}/{name}", read_only=True)


def _etc(host: str, new: str) -> None:
    etc = Path(new, "etc")
    etc.mkdir()
    for entry in Path(host, "system/etc").iterdir():
        (etc / entry.name).symlink_to(f"/system/etc/{entry.name}")
    for name in ("ld.so.cache", "alternatives", "ld-musl-x86_64.path", "ld-musl-aarch64.path"):
        if Path("/etc", name).exists() and not (etc / name).exists():
            _bind(f"/etc/{name}", f"{new}/etc/{name}", read_only=True)


def _dev(host: str, new: str) -> None:
    dev = Path(new, "dev")
    dev.mkdir()
    for name in _DEVICES:
        if Path("/dev", name).exists():
            _bind(f"/dev/{name}", f"{dev}/{name}")
    _bind(f"{host}/dev/__props", f"{dev}/__props")
    for name in ("pts", "shm"):
        (dev / name).mkdir()
    _mount("devpts", f"{dev}/pts", "devpts", MS_NOSUID, "newinstance,ptmxmode=0666")
    _mount("shm", f"{dev}/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777")
    for name, target in (
        ("ptmx", "pts/ptmx"),
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ):
        (dev / name).symlink_to(target)


def _proc(host: str, new: str) -> int | None:
    """Mount the phone's /proc; return a descriptor by which the next pid is chosen, if any."""
    proc = Path(new, "proc")
    proc.mkdir()
    _mount("proc", str(proc), "proc", MS_NOSUID | MS_NODEV | 8)
    try:
        next_pid = os.open(proc / "sys/kernel/ns_last_pid", os.O_WRONLY | os.O_CLOEXEC)
    except OSError:  # a kernel without CONFIG_CHECKPOINT_RESTORE
        next_pid = None
    for name in _READ_ONLY_PROC:
        if (proc / name).exists():
            _bind(f"{proc}/{name}", f"{proc}/{name}", read_only=True)
    figures = Path(host, "proc")
    for source in sorted(figures.rglob("*")):
        shown = proc / source.relative_to(figures)
        if source.is_file() and shown.is_file() and not shown.is_symlink():
            _bind(str(source), str(shown), read_only=True)
    return next_pid


def _start_daemons(daemons: list[tuple[str, str, int]], next_pid: int | None) -> list[str]:
    """Start processes with pids of their own, that end with standard input; return their names.

    Args:
        daemons: Name, path and pid of each, by pid.
        next_pid: See :func:`_proc`; without it there are none.
    """
    started: list[str] = []
    if next_pid is None:
        return started
    for name, path, pid in daemons:
        try:
            os.pwrite(next_pid, str(pid - 1).encode(), 0)  # at an offset the kernel takes nothing
        except OSError:  # a pid namespace that may not choose
            break
        child = os.fork()
        if child == 0:
            try:
                os.setsid()
                _silence()
                os.execve(path, [name], {})  # noqa: S606 - there is no shell to want
            finally:
                os._exit(127)
        started.append(name)
    os.close(next_pid)
    return started


def _silence() -> None:
    null = os.open("/dev/null", os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)


def _become_cat() -> None:
    """Turn into the smallest program that ends with its standard input."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    _silence()
    # under its own name: in a multi-call binary (uutils, toybox, busybox) the name is the task
    os.execve("/system/bin/cat", ["cat"], {})  # noqa: S606 - there is no shell to want


def main() -> None:
    """Do it; see the module."""
    config = json.loads(sys.argv[1])
    try:
        _own_user(config["uid"], config["gid"])
        if config.get("clock_offset_s") is not None:
            _own_clock(config["clock_offset_s"])
        _unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC, "mnt,pid,uts,ipc")
        reading, writing = os.pipe()  # closed by exec; the last line counts
        init = os.fork()
        if init == 0:
            try:
                next_pid = _build(config)
                started = _start_daemons(config["daemons"], next_pid)
                os.write(writing, json.dumps({"daemons": started}).encode() + b"\n")
                _become_cat()
            except (SetupError, OSError) as error:
                os.write(writing, json.dumps({"error": str(error)}).encode() + b"\n")
            os._exit(1)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            answers = pipe.read().decode().splitlines()
        answer = json.loads(answers[-1]) if answers else {"error": "the phone's init ended"}
        if "error" in answer:
            raise SetupError(answer["error"])
        print(json.dumps({"init": init, **answer}), flush=True)
        _become_cat()
    except (SetupError, OSError) as error:
        print(json.dumps({"error": str(error)}), flush=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
