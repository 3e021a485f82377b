"""Content-addressed files on a phone: what is there with the same SHA-256 is not pushed again.

Under the work folder, ``cas/<sha256><suffix>``. A file gets that name only after the *phone* has
computed its SHA-256, by a rename, so an interrupted push leaves nothing that could pass for it. Its
time stamp is then a number made from the hash: whatever writes to the file later changes the stamp,
and a file whose stamp is not its own is hashed again before it is trusted.

What a run pushes is borrowed: an empty file of the same name in ``cas/.borrowed/`` says so, made
before the file has its own name. `return_borrowed` removes what was borrowed, whoever pushed it and
however that ended, and leaves what lay there before.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.adb.errors import AdbError, DeviceLost, DiskFull, TransferFailed
from harness.adb.phone import DISK_FULL, Phone, local_chunks
from harness.adb.shell import quote
from harness.results.model import TransferRecord

_HASH = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"([0-9a-f]{64})(\.[A-Za-z0-9.]{1,16})?")
_INCOMING = ".incoming-"
_BORROWED = ".borrowed"
_BATCH_BYTES = 64 << 20
_BATCH_FILES = 64
_LOST_TIMEOUT_S = 60.0
_ATTEMPTS = 3
_TIMEOUT_S = 600.0
_RESERVE_BYTES = 8 << 20
"""Room left to the phone; a full /data makes Android itself fail."""


@dataclass(frozen=True)
class LocalFile:
    """A file of this host that a phone shall have.

    Args:
        path: Here.
        sha256: Of its content.
        suffix: Kept in its name on the phone, for example ``.tflite``.
        size: In bytes.
    """

    path: Path
    sha256: str
    suffix: str
    size: int

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"not a name for a content-addressed file: {self.name!r}")

    @classmethod
    def of(cls, path: Path, sha256: str | None = None) -> LocalFile:
        """Describe a file, hashing it unless its hash is known.

        Raises:
            OSError: It can't be read.
        """
        if sha256 is None:
            digest = hashlib.sha256()
            for chunk in local_chunks(path):
                digest.update(chunk)
            sha256 = digest.hexdigest()
        return cls(path, sha256, path.suffix, path.stat().st_size)

    @property
    def name(self) -> str:
        """File name in ``cas/``."""
        return f"{self.sha256}{self.suffix}"

    @property
    def stamp(self) -> int:
        """Time stamp of the verified file: a second between September 2001 and March 2010."""
        return stamp_of(self.sha256)

    def on_phone(self, work_dir: str) -> str:
        """Return its path on the phone."""
        return f"{work_dir}/cas/{self.name}"


def stamp_of(sha256: str) -> int:
    """Return the time stamp (s since 1970) that a verified file with this hash has."""
    return 1_000_000_000 + int(sha256[:7], 16)


def ensure_files(
    phone: Phone,
    work_dir: str,
    files: Sequence[LocalFile],
    *,
    keep: bool = False,
    timeout_s: float = _TIMEOUT_S,
    lost_timeout_s: float = _LOST_TIMEOUT_S,
    clock: Callable[[], float] = time.monotonic,
    stop: threading.Event | None = None,
    on_wait: Callable[[bool], None] = lambda _: None,
) -> TransferRecord:
    """Make sure that a phone has these files, pushing only what it lacks.

    Phones of one hub take turns (`AdbServer.pushes`), anew for each batch. When the cable is lost,
    it waits for the phone and goes on with what is still missing. Only one caller at a time for a
    phone (who holds its lease).

    Args:
        phone: Where to.
        work_dir: Its work folder.
        files: What; the same file may be named twice.
        keep: They stay when the phone is left, also those that are borrowed already.
        timeout_s: For each batch of at most 64 files or 64 MiB (a larger file is a batch).
        lost_timeout_s: How long to wait for a lost phone.
        clock: Monotonic clock, s.
        stop: Set to wait for no turn any more.
        on_wait: Told True when the phone has to wait for its turn, False when it came.

    Raises:
        WaitStoppedError: ``stop`` was set while the phone waited for its turn.
        DiskFull: Naming the bytes needed and free.
        TransferFailed: The phone refused, or a hash stayed wrong.
        DeviceLost: It did not come back, or was lost again and again.
    """
    began = clock()
    wanted = list({file.name: file for file in files}.values())
    store = _Store(phone, work_dir, timeout_s, keep=keep)
    pushed: list[LocalFile] = []
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            store.open()
            have = store.verified(wanted)
            if keep:
                store.take_over(have)
            missing = [file for file in wanted if file not in have]
            store.check_room(missing)
            for batch in _batches(missing):
                with _turn(phone, stop, on_wait):
                    store.push(batch)
                pushed += batch
            break
        except DeviceLost:
            if attempt == _ATTEMPTS:
                raise
            phone.wait_online(lost_timeout_s)
    skipped = [file for file in wanted if file not in pushed]
    return TransferRecord(
        pushed_files=len(pushed),
        pushed_bytes=sum(file.size for file in pushed),
        skipped_files=len(skipped),
        skipped_bytes=sum(file.size for file in skipped),
        seconds=clock() - began,
    )


@contextlib.contextmanager
def _turn(
    phone: Phone, stop: threading.Event | None, on_wait: Callable[[bool], None]
) -> Iterator[None]:
    waited = False

    def waits() -> None:
        nonlocal waited
        waited = True
        on_wait(True)

    server = phone.server
    with server.pushes.turn(server.hub(phone.adb_serial), stop, waits):
        if waited:
            on_wait(False)
        yield


def return_borrowed(phone: Phone, work_dir: str) -> None:
    """Remove what runs pushed and do not keep, and what broken pushes left.

    Args:
        phone: Where.
        work_dir: Its work folder.
    """
    # a mark goes with or after its file: what a lost cable interrupts is done the next time
    script = (
        f"cd {quote(work_dir)}/cas 2>/dev/null || exit 0; rm -f {_INCOMING}*; "
        f"for mark in {_BORROWED}/*; do "
        f'[ -e "$mark" ] || continue; rm -f -- "${{mark#{_BORROWED}/}}" "$mark" || exit 1; '
        f"done; rm -rf {_BORROWED}; cd .. && rmdir cas 2>/dev/null; exit 0"
    )
    phone.retried(lambda: phone.run(script, _TIMEOUT_S))


class _Store:
    """``cas/`` of one phone."""

    def __init__(self, phone: Phone, work_dir: str, timeout_s: float, *, keep: bool) -> None:
        self._phone = phone
        self._keep = keep
        self._folder = f"{work_dir}/cas"
        self._timeout_s = timeout_s

    def open(self) -> None:
        """Make the folder and remove what broken pushes left."""
        folder = quote(self._folder)
        # apps must be able to enter every folder above what they read
        self._phone.run(
            f"mkdir -p {folder} && chmod 755 {folder}/.. {folder} && rm -f {folder}/{_INCOMING}*"
        )

    def verified(self, files: Sequence[LocalFile]) -> list[LocalFile]:
        """Return those that are there, whole and with their own content."""
        there = {entry.name: entry for entry in self._phone.entries(self._folder)}
        sized = [f for f in files if f.name in there and there[f.name].size == f.size & 0xFFFFFFFF]
        stamped = [file for file in sized if there[file.name].mtime == file.stamp]
        doubtful = [file for file in sized if file not in stamped]
        hashes = self._hashes([file.name for file in doubtful])
        proven = [file for file in doubtful if hashes.get(file.name) == file.sha256]
        for file in proven:
            self._stamp(file)
        return stamped + proven

    def take_over(self, files: Sequence[LocalFile]) -> None:
        """Forget that files are borrowed."""
        borrowed = {entry.name for entry in self._phone.entries(f"{self._folder}/{_BORROWED}")}
        self._phone.remove(
            [f"{self._folder}/{_BORROWED}/{file.name}" for file in files if file.name in borrowed]
        )

    def check_room(self, files: Sequence[LocalFile]) -> None:
        """Refuse what can't fit before anything of it is pushed."""
        needed = sum(file.size for file in files)
        free = self._phone.free_bytes(self._folder) if needed else None
        if free is not None and needed + _RESERVE_BYTES > free:
            raise DiskFull(
                self._folder, needed_bytes=needed, free_bytes=free, serial=self._phone.serial
            )

    def push(self, files: Sequence[LocalFile]) -> None:
        """Push, let the phone hash, and only then give the final names."""
        mark = f"{_INCOMING}{secrets.token_hex(4)}-"
        todo = list(files)
        try:
            for _ in range(2):  # a wrong hash is tried once more: a bad cable, not a bad file
                self._send(todo, mark)
                hashes = self._hashes([mark + file.name for file in todo])
                todo = [file for file in todo if hashes.get(mark + file.name) != file.sha256]
                if not todo:
                    break
            else:
                raise TransferFailed(
                    f"{self._folder}/{todo[0].name}",
                    "arrived twice with another SHA-256 than it was sent with; is "
                    f"{todo[0].path} being written?",
                    serial=self._phone.serial,
                )
            self._publish(mark)
        except TransferFailed:
            with contextlib.suppress(AdbError):
                self._phone.run(f"rm -f {quote(self._folder)}/{mark}*")
            raise

    def _send(self, files: Sequence[LocalFile], mark: str) -> None:
        file = files[0]
        try:
            with self._phone.sync(self._timeout_s) as session:
                for file in files:
                    path = f"{self._folder}/{mark}{file.name}"
                    session.send(path, _readable(file, self._phone), mode=0o644, mtime=file.stamp)
        except TransferFailed as error:
            if not DISK_FULL.search(error.reason):
                raise
            raise DiskFull(
                error.path,
                needed_bytes=sum(f.size for f in files[files.index(file) :]),
                free_bytes=self._phone.free_bytes(self._folder),
                serial=self._phone.serial,
                reason=error.reason,
            ) from error

    def _publish(self, mark: str) -> None:
        # mv keeps the time stamp that the push gave
        borrow = "true" if self._keep else f'mkdir -p {_BORROWED} && : > "{_BORROWED}/$name"'
        self._phone.run(
            f"cd {quote(self._folder)} && for f in {mark}*; do "
            f'name="${{f#{mark}}}"; {borrow} && mv -f "$f" "$name" || exit 1; done',
            self._timeout_s,
        )

    def _hashes(self, names: Sequence[str]) -> dict[str, str]:
        """Return the SHA-256 that the phone computes; what it can't read is left out."""
        found: dict[str, str] = {}
        for start in range(0, len(names), 20):
            words = " ".join(quote(name) for name in names[start : start + 20])
            text = self._phone.shell(
                f"cd {quote(self._folder)} && sha256sum {words}", self._timeout_s
            ).stdout
            for line in text.splitlines():
                digest, _, name = line.partition(" ")
                if _HASH.fullmatch(digest):
                    found[name.lstrip(" *")] = digest
        return found

    def _stamp(self, file: LocalFile) -> None:
        when = time.strftime("%Y%m%d%H%M.%S", time.gmtime(file.stamp))
        # only spares the next hashing, so it may fail
        self._phone.shell(f"cd {quote(self._folder)} && TZ=UTC0 touch -t {when} {file.name}")


def _batches(files: Sequence[LocalFile]) -> Iterator[list[LocalFile]]:
    """Cut into pieces that are each complete on the phone before the next begins."""
    batch: list[LocalFile] = []
    for file in files:
        full = sum(f.size for f in batch) + file.size > _BATCH_BYTES or len(batch) >= _BATCH_FILES
        if batch and full:
            yield batch
            batch = []
        batch.append(file)
    if batch:
        yield batch


def _readable(file: LocalFile, phone: Phone) -> Iterator[bytes]:
    try:
        yield from local_chunks(file.path)
    except OSError as error:
        raise TransferFailed(
            str(file.path), error.strerror or "cannot be read", serial=phone.serial
        ) from error
