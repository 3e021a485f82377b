"""The log: whom a record is about, what must never be in it, and that it can be read back."""

import logging
import os
import threading
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path

import pytest

from harness import log
from harness.log import LogLine, about, read_log, run_log, secrets_of, without_secrets

LOG = logging.getLogger("harness.some.part")


@pytest.fixture(autouse=True)
def level() -> Iterator[None]:
    logger = logging.getLogger(log.ROOT)
    before = logger.level
    logger.setLevel(logging.NOTSET)
    yield
    logger.setLevel(before)


def lines(folder: Path) -> list[tuple[str, str, str, str]]:
    return [(row.level, row.serial, row.job, row.message) for row in read_log(folder)]


def test_a_record_says_which_phone_and_attempt_it_is_about(tmp_path: Path) -> None:
    with run_log(tmp_path):
        LOG.info("about nobody")
        with about(serial="SER1", job="ab12", attempt=2):
            LOG.warning("about %s", "an attempt")
            inherits = copy_context()
        LOG.info("of another", extra={"serial": "SER2", "job": "cd34/1"})
        thread = threading.Thread(target=inherits.run, args=(LOG.info, "in a thread of it"))
        thread.start()
        thread.join()
        LOG.debug("only with -vv")
    LOG.info("after the run")
    assert lines(tmp_path) == [
        ("INFO", "", "", "about nobody"),
        ("WARNING", "SER1", "ab12/2", "about an attempt"),
        ("INFO", "SER2", "cd34/1", "of another"),
        ("INFO", "SER1", "ab12/2", "in a thread of it"),
    ]


def test_more_is_written_where_more_is_asked_for(tmp_path: Path) -> None:
    logging.getLogger(log.ROOT).setLevel(logging.DEBUG)
    with run_log(tmp_path):
        LOG.debug("a command")
    assert lines(tmp_path) == [("DEBUG", "", "", "a command")]


def test_a_line_in_the_file(tmp_path: Path) -> None:
    with run_log(tmp_path), about(serial="a phone\n", job="ab12"):
        LOG.info("said")
    text = (tmp_path / log.NAME).read_text()
    assert text.endswith("Z INFO a_phone ab12 harness.some.part: said\n")
    (row,) = read_log(tmp_path)
    assert f"{row.text}\n" == text


def test_what_a_phone_says_cannot_pass_for_a_record(tmp_path: Path) -> None:
    said = "first\n2026-01-01T00:00:00.000Z ERROR - - harness.x: made up\r\nlast"
    with run_log(tmp_path):
        LOG.info("it said: %s", said)
        LOG.info("next")
    first, second = read_log(tmp_path)
    assert first.message == f"it said: {said}".replace("\r\n", "\n")
    assert second.message == "next"


def test_a_traceback_is_part_of_its_record(tmp_path: Path) -> None:
    with run_log(tmp_path):
        try:
            raise ValueError("in tcp://me:password@farm")
        except ValueError as error:
            LOG.error("broke", exc_info=error)
    (row,) = read_log(tmp_path)
    assert row.message.startswith("broke\nTraceback")
    assert row.message.endswith("ValueError: in tcp://***@farm")


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("reserve at https://me:pass@farm.example/x", "reserve at https://***@farm.example/x"),
        ("https://ghp_abc@farm.example", "https://***@farm.example"),
        ("Authorization: Bearer abc.DEF-1", "Authorization: Bearer ***"),
        ("{'Authorization': 'Bearer abc.DEF-1'}", "{'Authorization': 'Bearer ***'}"),
        ("GET /x?access_token=abcd&y=2", "GET /x?access_token=***&y=2"),
        ('{"password": "abcd", "b": 1}', '{"password": "***", "b": 1}'),
        ("export STF_TOKEN=abcd", "export STF_TOKEN=***"),
        ("it said 0123456789abcdef!", "it said ***!"),
        ("its token came to none of them", "its token came to none of them"),
        ("tcp://farm:8786 and me@home", "tcp://farm:8786 and me@home"),
        ("/home/me: 12 MiB", "/home/me: 12 MiB"),
    ],
)
def test_no_secret_is_written(
    text: str, safe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STF_TOKEN", "0123456789abcdef")
    monkeypatch.setenv("HOME_OF_MINE", "/home/me")
    assert without_secrets(text, secrets_of(os.environ)) == safe
    with run_log(tmp_path):
        LOG.info("%s", text)
    assert [row.message for row in read_log(tmp_path)] == [safe]


def test_a_log_that_grows_is_rotated_and_read_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "MAX_BYTES", 400)
    with run_log(tmp_path):
        for number in range(40):
            LOG.info("record %d", number)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {log.NAME, *(f"{log.NAME}.{n}" for n in (1, 2, 3))}
    assert all(path.stat().st_size <= 400 for path in tmp_path.iterdir())
    numbers = [int(row.message.split()[1]) for row in read_log(tmp_path)]
    assert numbers == list(range(40 - len(numbers), 40))
    assert len(numbers) > 8


def test_what_is_no_record_is_left_out(tmp_path: Path) -> None:
    assert list(read_log(tmp_path)) == []
    (tmp_path / log.NAME).write_bytes(
        b"    the end of a record\n"
        b"2026-01-01T00:00:00.000Z INFO - ab12/1 harness.x: \xff\n    more\n"
    )
    assert list(read_log(tmp_path)) == [
        LogLine("2026-01-01T00:00:00.000Z", "INFO", "", "ab12/1", "harness.x", "\ufffd\nmore")
    ]


def test_a_log_that_cannot_be_written_ends_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / log.NAME).mkdir()
    with run_log(tmp_path):
        LOG.info("lost")
    assert capfd.readouterr() == ("", "")
