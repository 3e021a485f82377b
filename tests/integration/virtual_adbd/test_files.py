"""Push, pull, stat and list through the stock adb client."""

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.bare_phone import BarePhone

MIB = 1 << 20


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(MIB):
            digest.update(block)
    return digest.hexdigest()


def random_file(path: Path, size: int) -> Path:
    block = os.urandom(MIB)  # random once: distinct blocks come from the counter
    with path.open("wb") as file:
        for start in range(0, size, MIB):
            file.write((start.to_bytes(8, "little") + block[8:])[: size - start])
    return path


def test_200_mb_there_and_back(plain_phone: BarePhone, tmp_path: Path) -> None:
    size = 200 * MIB + 4321
    there = random_file(tmp_path / "there", size)
    want = sha256(there)
    result = plain_phone.adb("push", str(there), "/data/local/tmp/big")
    assert result.returncode == 0, result.stderr
    on_phone = plain_phone.adb("shell", f"sha256sum {plain_phone.tmp}/big")
    assert on_phone.stdout.split()[0].decode() == want
    back = tmp_path / "back"
    result = plain_phone.adb("pull", "/data/local/tmp/big", str(back))
    assert result.returncode == 0, result.stderr
    assert back.stat().st_size == size
    assert sha256(back) == want


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, MIB, 983_040, 3 * MIB + 5])
def test_sizes_around_the_frames(plain_phone: BarePhone, tmp_path: Path, size: int) -> None:
    there, back = random_file(tmp_path / "there", size), tmp_path / "back"
    assert plain_phone.adb("push", str(there), "/data/local/tmp/f").returncode == 0
    assert plain_phone.adb("pull", "/data/local/tmp/f", str(back)).returncode == 0
    assert back.read_bytes() == there.read_bytes()


def test_folders(bare_phone: BarePhone, tmp_path: Path) -> None:
    source = tmp_path / "tree"
    for name in ("a", "b/c", "b/d/e"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(name)
    assert bare_phone.adb("push", str(source), "/data/local/tmp/").returncode == 0
    seen = bare_phone.adb("shell", f"cd {bare_phone.tmp}/tree && find . -type f | sort")
    assert seen.stdout.decode().split() == ["./a", "./b/c", "./b/d/e"]
    back = tmp_path / "back"
    assert bare_phone.adb("pull", "/data/local/tmp/tree", str(back)).returncode == 0
    assert (back / "b/d/e").read_text() == "b/d/e"


def test_the_users_mode_is_everyones(bare_phone: BarePhone, tmp_path: Path) -> None:
    """Source: AOSP file_sync_service.cpp copies the user's bits to group and others."""
    script = tmp_path / "script"
    script.write_text("echo ran\n")
    script.chmod(0o740)
    assert bare_phone.adb("push", str(script), "/data/local/tmp/script").returncode == 0
    host = bare_phone.root.host_path("/data/local/tmp/script")
    assert stat.S_IMODE(host.stat().st_mode) == 0o777
    assert bare_phone.adb("shell", f"{bare_phone.tmp}/script").stdout == b"ran\n"
    script.chmod(0o600)
    assert bare_phone.adb("push", str(script), "/data/local/tmp/plain").returncode == 0
    plain = bare_phone.root.host_path("/data/local/tmp/plain")
    assert stat.S_IMODE(plain.stat().st_mode) == 0o666


def test_time_is_kept(plain_phone: BarePhone, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("x")
    os.utime(there, (1_500_000_000, 1_500_000_000))
    plain_phone.adb("push", str(there), "/data/local/tmp/t")
    assert plain_phone.root.host_path("/data/local/tmp/t").stat().st_mtime == 1_500_000_000
    back = tmp_path / "back"
    assert plain_phone.adb("pull", "-a", "/data/local/tmp/t", str(back)).returncode == 0
    assert back.stat().st_mtime == 1_500_000_000


@pytest.mark.parametrize(
    "name", ["two words", "it's", 'say "x"', "line\nbreak", "ümlaut", "$HOME;ls"]
)
def test_names_with_anything_in_them(plain_phone: BarePhone, tmp_path: Path, name: str) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    there.write_text(name)
    assert plain_phone.adb("push", str(there), f"/data/local/tmp/{name}").returncode == 0
    assert plain_phone.root.host_path(f"/data/local/tmp/{name}").read_text() == name
    assert plain_phone.adb("pull", f"/data/local/tmp/{name}", str(back)).returncode == 0
    assert back.read_text() == name


def test_a_name_that_is_no_utf8(plain_phone: BarePhone, tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\xfe")
    there = tmp_path / "there"
    there.write_text("x")
    assert plain_phone.adb("push", str(there), f"/data/local/tmp/{name}").returncode == 0
    assert b"\xff\xfe" in plain_phone.adb("ls", "/data/local/tmp").stdout


def test_host_paths_of_the_phone_are_taken_where_it_has_no_root(
    plain_phone: BarePhone, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    there.write_text("x")
    assert plain_phone.adb("push", str(there), f"{plain_phone.tmp}/h").returncode == 0
    assert plain_phone.root.host_path("/data/local/tmp/h").read_text() == "x"
    assert plain_phone.adb("shell", f"cat {plain_phone.tmp}/h").stdout == b"x"


def test_sdcard_is_a_link(bare_phone: BarePhone, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("card")
    assert bare_phone.adb("push", str(there), "/sdcard/Download/f").returncode == 0
    for name in ("/storage/emulated/0", "/storage/self/primary", "/mnt/sdcard"):
        folder = bare_phone.root.process_path(name)
        assert bare_phone.adb("shell", f"cat {folder}/Download/f").stdout == b"card"


def test_links_are_pushed_as_what_they_point_at(plain_phone: BarePhone, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("file")
    assert plain_phone.adb("push", str(tmp_path / "link"), "/data/local/tmp/l").returncode == 0
    assert plain_phone.root.host_path("/data/local/tmp/l", follow=False).read_text() == "x"


def test_no_way_out_of_the_phone(bare_phone: BarePhone, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    up = "/../" * 3
    tmp = bare_phone.root.host_path("/data/local/tmp")
    (tmp / "file").symlink_to(secret)
    (tmp / "folder").symlink_to(tmp_path)
    (tmp / "dots").symlink_to(os.path.relpath(tmp_path, tmp))
    back = tmp_path / "back"
    for path in ("file", "folder/secret", "dots/secret", f"{up}{secret}"):
        result = bare_phone.adb("pull", f"/data/local/tmp/{path}", str(back))
        assert result.returncode != 0
        assert not back.exists()
    for path in ("folder/new", "dots/new", f"{up}/{tmp_path}/new"):
        bare_phone.adb("push", str(secret), f"/data/local/tmp/{path}")
        assert not (tmp_path / "new").exists()
    bare_phone.adb("push", str(Path(__file__)), "/data/local/tmp/file")
    assert secret.read_text() == "secret"


def test_failures_say_why(plain_phone: BarePhone, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("x")
    plain_phone.adb("push", str(there), "/data/local/tmp/file")
    result = plain_phone.adb("pull", "/data/local/tmp/none", str(tmp_path / "back"))
    assert result.returncode != 0
    assert b"No such file or directory" in result.stderr
    result = plain_phone.adb("push", str(there), "/data/local/tmp/file/below")
    assert result.returncode != 0
    assert b"Not a directory" in result.stderr


def test_a_full_disk_is_said_and_leaves_no_half_file(
    plain_phone: BarePhone, tmp_path: Path
) -> None:
    there = random_file(tmp_path / "there", 30 * MIB)
    plain_phone.faults.disk_free_bytes = 10 * MIB
    result = plain_phone.adb("push", str(there), "/data/local/tmp/big")
    assert result.returncode != 0
    assert b"No space left on device" in result.stderr
    assert not plain_phone.root.host_path("/data/local/tmp/big").exists()
    plain_phone.thread.call(plain_phone.faults.clear)
    assert plain_phone.adb("push", str(there), "/data/local/tmp/big").returncode == 0


def test_several_pushes_at_once(make_bare_phone: Callable[..., BarePhone], tmp_path: Path) -> None:
    phones = [make_bare_phone() for _ in range(3)]
    there = random_file(tmp_path / "there", 20 * MIB)
    clients = [phone.popen("push", str(there), "/data/local/tmp/f") for phone in phones]
    for phone, client in zip(phones, clients, strict=True):
        client.communicate(timeout=60)
        assert client.returncode == 0
        assert sha256(phone.root.host_path("/data/local/tmp/f")) == sha256(there)
