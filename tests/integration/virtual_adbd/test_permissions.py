"""What uid shell may write, by sync and by the shell, in the words that a phone has for it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.bare_phone import BarePhone

READ_ONLY, DENIED = b"Read-only file system", b"Permission denied"


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "file"
    path.write_text("new")
    return str(path)


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("/system/etc/passwd", READ_ONLY),
        ("/system/etc/new/folder/file", READ_ONLY),
        ("/data/local/tmp/../../../system/etc/passwd", READ_ONLY),
        ("/new_file", READ_ONLY),
        ("/new_folder/file", READ_ONLY),
        ("/", READ_ONLY),
        ("/data/new_file", DENIED),
        ("/data", DENIED),
        ("/data/new_folder/file", DENIED),
        ("/data/local/file", DENIED),
        ("/data/app/base.apk", DENIED),
        ("/data/system/packages.xml", DENIED),
        ("/storage/file", DENIED),
        ("/storage/emulated/file", DENIED),
        ("/mnt/file", DENIED),
        ("/proc/meminfo", DENIED),
        ("/proc", DENIED),
        ("/dev", DENIED),
        ("/dev/new_file", DENIED),
        ("/sys/new_file", DENIED),
    ],
)
def test_a_push_to_what_is_not_the_shells(
    plain_phone: BarePhone, file: str, target: str, why: bytes
) -> None:
    root = plain_phone.root.root_dir
    before = sorted(path for path in root.rglob("*") if "local/tmp" not in str(path))
    content = (root / "system/etc/passwd").read_bytes()
    push = plain_phone.adb("push", file, target)
    assert push.returncode != 0
    assert why in push.stdout + push.stderr, push
    assert sorted(path for path in root.rglob("*") if "local/tmp" not in str(path)) == before
    assert (root / "system/etc/passwd").read_bytes() == content


@pytest.mark.parametrize(
    ("target", "where"),
    [
        ("/data/local/tmp/a/b/file", "data/local/tmp/a/b/file"),
        ("/mnt/sdcard/file", "storage/emulated/0/file"),
        ("/data/local/tmp/", "data/local/tmp/file"),
        ("/sdcard/Download/file", "storage/emulated/0/Download/file"),
        ("/sdcard/", "storage/emulated/0/file"),
        ("/sdcard", "storage/emulated/0/file"),
        ("/storage/emulated/0/new/file", "storage/emulated/0/new/file"),
    ],
)
def test_a_push_to_what_is(plain_phone: BarePhone, file: str, target: str, where: str) -> None:
    push = plain_phone.adb("push", file, target)
    assert push.returncode == 0, push
    assert (plain_phone.root.root_dir / where).read_text() == "new"
    assert (plain_phone.root.root_dir / "sdcard").is_symlink()


def test_a_push_to_null_keeps_nothing(plain_phone: BarePhone, file: str) -> None:
    assert plain_phone.adb("push", file, "/dev/null").returncode == 0
    assert not (plain_phone.root.root_dir / "dev/null").exists()


@pytest.mark.userns
def test_kernel_files_are_pulled_if_all_may_read_them(
    make_bare_phone: Callable[..., BarePhone], tmp_path: Path
) -> None:
    phone = make_bare_phone("userns")
    back = tmp_path / "back"
    assert phone.adb("pull", "/proc/cpuinfo", str(back)).returncode == 0
    assert "processor" in back.read_text()
    assert b"cpuinfo" in phone.adb("ls", "/proc").stdout
    refused = phone.adb("pull", "/proc/1/mem", str(tmp_path / "memory"))
    assert refused.returncode != 0
    assert not (tmp_path / "memory").exists()


@pytest.mark.userns
@pytest.mark.parametrize(
    ("folder", "why"),
    [("/data/mobileasr", DENIED), ("/data/local/work", DENIED), ("/vlab-work", READ_ONLY)],
)
def test_a_wrong_work_folder_fails_in_the_shell_too(
    make_bare_phone: Callable[..., BarePhone], folder: str, why: bytes
) -> None:
    phone = make_bare_phone("userns")
    answer = phone.adb("shell", f"mkdir -p {folder}")
    assert answer.returncode != 0
    assert why in answer.stdout + answer.stderr, answer
