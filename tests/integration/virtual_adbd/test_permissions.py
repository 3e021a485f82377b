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


@pytest.mark.parametrize(
    "path",
    ["/data/system/packages.json", "/data/system/vlab/requests", "/data/user/0/org.x/files/a",
     "/data/data/org.x/a", "/data/local/tmp/../../system/a", "/sdcard/../../../data/system/a"],
)  # fmt: skip
def test_what_is_the_systems_is_not_pulled(
    plain_phone: BarePhone, tmp_path: Path, path: str
) -> None:
    for name in ("system/packages.json", "user/0/org.x/files/a", "data/org.x/a", "system/a"):
        secret = plain_phone.root.root_dir / "data" / name
        secret.parent.mkdir(parents=True, exist_ok=True)
        secret.write_text("secret")
    pull = plain_phone.adb("pull", path, str(tmp_path / "got"))
    assert pull.returncode != 0, pull
    assert DENIED in pull.stdout + pull.stderr
    assert not (tmp_path / "got").exists()


@pytest.mark.parametrize("folder", ["/data", "/data/app", "/data/system", "/data/user/0"])
def test_what_may_not_be_listed_shows_nothing(plain_phone: BarePhone, folder: str) -> None:
    (plain_phone.root.root_dir / f"{folder[1:]}/org.x").mkdir()
    assert plain_phone.adb("ls", folder).stdout == b""
    assert b"org.x" not in plain_phone.adb("ls", "/data/local/tmp").stdout


def test_an_installed_apk_is_pulled_and_the_shells_own_data(
    plain_phone: BarePhone, tmp_path: Path
) -> None:
    own = ("data/app/org.x-1/base.apk", "data/user_de/0/com.android.shell/files/bugreports/b.zip",
           "data/local/tmp/a/b", "system/bin/tool",
           "storage/emulated/0/Android/data/org.x/a")  # fmt: skip
    for name in own:
        file = plain_phone.root.root_dir / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
        pull = plain_phone.adb("pull", f"/{name}", str(tmp_path / "got"))
        assert pull.returncode == 0, pull
        assert (tmp_path / "got").read_text() == name


@pytest.mark.userns
def test_a_phones_own_proc_and_lent_files_are_pulled_as_it_sees_them(
    make_bare_phone: Callable[..., BarePhone], tmp_path: Path
) -> None:
    phone = make_bare_phone("userns")
    for path, part in (("/proc/mounts", "/proc proc"), ("/proc/net/dev", "lo:"),
                       ("/proc/self/status", "Name:"), ("/system/bin/sh", "ELF")):  # fmt: skip
        pull = phone.adb("pull", path, str(tmp_path / "got"))
        assert pull.returncode == 0, (path, pull)
        assert part in (tmp_path / "got").read_text(errors="replace")
    for path in ("/proc/1/root/etc", "/proc/1/cwd", "/proc/self/fd/0", "/proc/1/environ",
                 "/proc/../proc/1/root"):  # fmt: skip
        refused = phone.adb("pull", path, str(tmp_path / "refused"))
        assert refused.returncode != 0, path
        assert not (tmp_path / "refused").exists()


@pytest.mark.userns
def test_the_shell_itself_sees_no_more(make_bare_phone: Callable[..., BarePhone]) -> None:
    phone = make_bare_phone("userns")
    for folder in ("/data", "/data/app", "/data/system", "/data/user/0", "/data/local"):
        answer = phone.adb("shell", f"ls {folder}")
        assert answer.returncode != 0, folder
        assert DENIED in answer.stdout + answer.stderr
    assert phone.adb("shell", "ls /data/local/tmp; ls /sdcard/").returncode == 0
