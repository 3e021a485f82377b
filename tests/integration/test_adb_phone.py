"""`Phone` through the real adb server: exit codes, time limits, files, quoting, lost cables."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.adb.errors import (
    AdbError,
    CommandFailed,
    CommandTimedOut,
    DeviceLost,
    DeviceUnauthorized,
    DiskFull,
    FileMissing,
    ServerUnavailable,
    TransferFailed,
)
from harness.adb.phone import Phone
from harness.adb.private import free_port
from harness.adb.server import AdbServer
from tests.fixtures.bare_phone import BarePhone


def phone_of(bare: BarePhone) -> Phone:
    return Phone(bare.server, bare.address, "SERIAL1")


@pytest.fixture
def phone(plain_phone: BarePhone) -> Phone:
    return phone_of(plain_phone)


def test_exit_code_and_both_outputs_come_apart(phone: Phone) -> None:
    result = phone.shell("echo out; echo err >&2; exit 7")
    assert (result.stdout, result.stderr, result.code) == ("out\n", "err\n", 7)


def test_run_raises_with_all_that_is_known(phone: Phone) -> None:
    with pytest.raises(CommandFailed) as caught:
        phone.run("echo half; echo why >&2; exit 3")
    error = caught.value
    assert (error.code, error.stdout, error.stderr) == (3, "half\n", "why\n")
    assert "SERIAL1" in str(error)
    assert "why" in str(error)


def test_stdin_is_closed_so_that_a_reader_ends(phone: Phone) -> None:
    assert phone.run("cat; echo end", timeout_s=10).stdout == "end\n"


def test_large_output_is_whole_and_bytes_are_kept(phone: Phone) -> None:
    result = phone.run("head -c 3000000 /dev/zero | tr '\\0' 'x'; printf '\\377'")
    assert result.raw == b"x" * 3_000_000 + b"\xff"


def test_the_limit_is_for_the_whole_call(phone: Phone) -> None:
    # a word each 0.1 s never lets one recv wait long: only a whole-call limit ends it
    began = time.monotonic()
    with pytest.raises(CommandTimedOut) as caught:
        phone.shell("while true; do echo tick; sleep 0.1; done", timeout_s=1.0)
    assert 0.9 < time.monotonic() - began < 8.0
    assert "tick" in caught.value.stdout


def test_a_phone_that_takes_no_connection_in_time(plain_phone: BarePhone) -> None:
    plain_phone.thread.call(lambda: setattr(plain_phone.faults, "delay_s", 30.0))
    with pytest.raises(CommandTimedOut):
        phone_of(plain_phone).shell("true", timeout_s=0.5)


WORDS = [
    "plain",
    "two words",
    "it's",
    '"',
    "$HOME `id`",
    "a\nb",
    "\\",
    "-n",
    "",
    "*",
    "ünï",
    "\t;|&",
]


def test_each_word_arrives_as_it_is(phone: Phone) -> None:
    result = phone.run(["sh", "-c", 'for a in "$@"; do printf "%s\\0" "$a"; done', "x", *WORDS])
    assert result.raw.decode().split("\0")[:-1] == WORDS


@pytest.mark.parametrize("name", ["two words", "it's", 'a"b', "$HOME", "new\nline", "ünï", "-n"])
def test_files_of_any_name(phone: Phone, plain_phone: BarePhone, name: str) -> None:
    path = f"{plain_phone.tmp}/{name}"
    phone.write_text(path, "text")
    assert phone.read_file(path) == b"text"
    assert phone.run(["cat", path]).stdout == "text"
    entry = phone.stat(path)
    assert entry is not None
    assert (entry.size, entry.is_file) == (4, True)
    assert name in [e.name for e in phone.entries(plain_phone.tmp)]


def test_write_replaces_and_leaves_no_partial_file(phone: Phone, plain_phone: BarePhone) -> None:
    folder = f"{plain_phone.tmp}/work"
    phone.make_folder(folder)
    for text in ("first, and longer", "second"):
        phone.write_text(f"{folder}/job.json", text)
    assert phone.read_file(f"{folder}/job.json") == b"second"
    assert [e.name for e in phone.entries(folder)] == ["job.json"]


def test_push_and_pull_are_whole(phone: Phone, plain_phone: BarePhone, tmp_path: Path) -> None:
    content = bytes(range(256)) * 20_000
    remote = f"{plain_phone.tmp}/big"
    phone.write_bytes(remote, content, mode=0o755)
    assert phone.pull_file(remote, tmp_path / "back") == 5_120_000
    assert (tmp_path / "back").read_bytes() == content
    entry = phone.stat(remote)
    assert entry is not None
    assert entry.mode & 0o755 == 0o755  # adbd copies the owner's bits to all


def test_what_is_not_there(phone: Phone, plain_phone: BarePhone, tmp_path: Path) -> None:
    missing = f"{plain_phone.tmp}/nothing"
    assert phone.stat(missing) is None
    assert phone.entries(missing) == []
    with pytest.raises(FileMissing):
        phone.read_file(missing)
    with pytest.raises(FileMissing):
        phone.pull_file(missing, tmp_path / "x")
    assert list(tmp_path.glob("*x*")) == []


def test_a_refused_push_says_why(phone: Phone, plain_phone: BarePhone) -> None:
    phone.write_text(f"{plain_phone.tmp}/file", "x")
    with pytest.raises(TransferFailed) as caught:
        phone.write_text(f"{plain_phone.tmp}/file/below", "y")
    assert caught.value.reason not in ("", "FAIL")
    assert caught.value.path.endswith("file/below")


def test_a_full_disk_says_what_was_needed(phone: Phone, plain_phone: BarePhone) -> None:
    plain_phone.thread.call(lambda: setattr(plain_phone.faults, "disk_free_bytes", 100_000))
    with pytest.raises(DiskFull) as caught:
        phone.write_bytes(f"{plain_phone.tmp}/big", bytes(9_000_000))
    assert caught.value.needed_bytes == 9_000_000
    assert "9,000,000 bytes" in str(caught.value)
    assert not [e.name for e in phone.entries(plain_phone.tmp) if "big" in e.name]


def test_remove_refuses_the_phones_own_folders(phone: Phone, plain_phone: BarePhone) -> None:
    phone.write_text(f"{plain_phone.tmp}/a b", "x")
    phone.remove([f"{plain_phone.tmp}/a b", f"{plain_phone.tmp}/never"])
    assert phone.stat(f"{plain_phone.tmp}/a b") is None
    for path in ("/", "/data/local", "relative/path/of/it", "/data/local/tmp/../../x"):
        with pytest.raises(ValueError, match="refusing"):
            phone.remove([path])


def test_output_that_breaks_off_is_a_lost_phone(phone: Phone, plain_phone: BarePhone) -> None:
    plain_phone.thread.call(lambda: setattr(plain_phone.faults, "truncate_output_after", 1000))
    with pytest.raises(DeviceLost, match="without an exit code"):
        phone.shell("head -c 100000 /dev/zero")


def test_a_lost_cable_is_lost_and_comes_back(phone: Phone, plain_phone: BarePhone) -> None:
    plain_phone.thread.call(lambda: plain_phone.faults.lose_cable(float("inf")))
    with pytest.raises(DeviceLost):
        phone.run("true", timeout_s=5)
    assert not phone.is_online(2.0)
    with pytest.raises(DeviceLost, match="did not answer within"):
        phone.wait_online(0.5)
    plain_phone.thread.call(plain_phone.faults.restore_cable)
    phone.wait_online(20.0)
    assert phone.run("echo back").stdout == "back\n"


def test_questions_survive_a_short_loss(phone: Phone, plain_phone: BarePhone) -> None:
    path = f"{plain_phone.tmp}/f"
    phone.write_text(path, "kept")
    plain_phone.thread.call(plain_phone.faults.drop_connections)
    assert phone.query(["cat", path]) == "kept"
    plain_phone.thread.call(plain_phone.faults.drop_connections)
    assert phone.read_file(path) == b"kept"


def test_a_push_survives_a_lost_cable(phone: Phone, plain_phone: BarePhone) -> None:
    content = b"0123456789abcdef" * 200_000
    plain_phone.thread.call(lambda: setattr(plain_phone.faults, "drop_after_bytes", 1_500_000))
    phone.write_bytes(f"{plain_phone.tmp}/f", content)
    assert plain_phone.faults.drop_after_bytes is None, "the cable was not lost"
    assert phone.read_file(f"{plain_phone.tmp}/f") == content


def test_an_unauthorized_phone_asks_for_a_person(
    make_bare_phone: Callable[..., BarePhone],
) -> None:
    bare = make_bare_phone(connect=False)
    bare.thread.call(lambda: setattr(bare.faults, "unauthorized", True))
    with pytest.raises(AdbError):
        bare.connect()
    phone = phone_of(bare)
    assert phone.state() == "unauthorized"
    with pytest.raises(DeviceUnauthorized, match="accept"):
        phone.run("true", timeout_s=5)
    with pytest.raises(DeviceUnauthorized):
        phone.wait_online(5.0)


def test_a_phone_that_is_not_there(adb_server: AdbServer) -> None:
    phone = Phone(adb_server, "127.0.0.1:1", sleep=lambda _: None)
    assert phone.state() == "absent"
    with pytest.raises(DeviceLost, match=r"127\.0\.0\.1:1"):
        phone.query("true", timeout_s=2)


def test_no_server_is_started_behind_our_back() -> None:
    server = AdbServer("127.0.0.1", free_port())
    with pytest.raises(ServerUnavailable, match=str(server.port)):
        server.devices()
    with pytest.raises(ServerUnavailable):
        AdbServer.existing(server.address)


def test_stream_gives_output_as_it_comes_and_ends_on_close(phone: Phone) -> None:
    with phone.stream("echo first; sleep 60; echo never") as stream:
        assert stream.read(10.0) == b"first\n"
        assert stream.read(0.05) == b""
        assert not stream.ended
        closer = threading.Timer(0.1, stream.close)
        closer.start()
        assert list(stream) == []
        assert stream.ended
        assert stream.code is None
        closer.join()


def test_stream_to_its_end(phone: Phone) -> None:
    with phone.stream("echo a; echo b >&2; exit 5") as stream:
        assert b"".join(stream) == b"a\n"
    assert stream.code == 5
    assert bytes(stream.stderr) == b"b\n"


def test_stream_tells_a_lost_cable(phone: Phone, plain_phone: BarePhone) -> None:
    with phone.stream("echo a; sleep 60") as stream:
        assert stream.read(10.0) == b"a\n"
        plain_phone.thread.call(plain_phone.faults.drop_connections)
        with pytest.raises(DeviceLost):
            stream.read(10.0)


def test_the_same_with_namespaces(make_bare_phone: Callable[..., BarePhone]) -> None:
    bare = make_bare_phone("userns")
    phone = phone_of(bare)
    assert phone.run(["echo", "it's $1"]).stdout == "it's $1\n"
    phone.write_text(f"{bare.tmp}/x y", "z")
    assert phone.read_file(f"{bare.tmp}/x y") == b"z"
