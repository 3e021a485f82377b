"""Every command that the pages show: run, or in the list of those that can't be, with the reason.

The tutorials are journeys: their files are written, their commands and Python run in order, in one
folder, and what a page shows of their output must be what they print, figures included.
``--farm virtual`` is left out, since all share one farm that replays measured trainings.
"""

from __future__ import annotations

import contextlib
import fnmatch
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer

from docs._generate import commands_page, results_page
from harness.adb.server import AdbServer
from harness.cli import main
from harness.cli.app import app
from tests.docs.markdown import PAGES, ROOT, Command, blocks, commands, inline_commands
from tests.docs.not_run import ELSEWHERE, NOT_RUN, SMALLER
from tests.docs.shown import is_printed, measured_figures, never_printed
from tests.fixtures.farm import start_farm_on
from tests.fixtures.report_run import RunShape, make_run

JOURNEYS = (
    "docs/tutorials/qa.md",
    "docs/tutorials/nightly.md",
    "docs/tutorials/researcher.md",
    "docs/plug_in_a_phone.md",
)
SHELL = ("sh", "")
KNOWN = dict(commands_page.commands())
_FILE = re.compile(r"# ([\w./-]+\.yaml)")


def _listed() -> list[Command]:
    """Return the README's list of commands: what stands there is no command line."""
    block = next(block for block in blocks("README.md") if "harness doctor " in block.text)
    return list(commands(block))


def _all_commands() -> list[Command]:
    listed = {(command.page, command.line) for command in _listed()}
    found = [
        command
        for page in PAGES
        for block in blocks(page)
        if block.language in SHELL
        for command in commands(block)
    ]
    return [command for command in found if (command.page, command.line) not in listed]


def _parsed(words: Sequence[str]) -> None:
    """Let the real command line read the words, up to where it would begin to work.

    Raises:
        AssertionError: No such command, option or argument.
    """
    command: Any = typer.main.get_command(app)
    rest = list(words)
    while hasattr(command, "list_commands"):
        assert set(rest[:1]) & set(command.list_commands(None)), f"no command {' '.join(words)}"
        command = command.get_command(None, rest.pop(0))
    try:
        command.make_context(" ".join(words), rest)
    except Exception as error:
        raise AssertionError(f"{' '.join(words)}: {error}") from error


def _reason(text: str) -> str | None:
    """Return why a command is not run, None if it is."""
    patterns = (
        pattern for pattern in NOT_RUN if text == pattern or fnmatch.fnmatchcase(text, pattern)
    )
    found = next(patterns, None)
    return None if found is None or text in ELSEWHERE else NOT_RUN[found]


def test_each_command_is_run_or_says_why_not() -> None:
    in_journeys = {command.text for command in _all_commands() if command.page in JOURNEYS}
    unknown = [
        f"{command.page}:{command.line}: {command.text}"
        for command in _all_commands()
        if command.text not in {*in_journeys, *ELSEWHERE} and _reason(command.text) is None
    ]
    assert unknown == [], "run it in a journey or ELSEWHERE, or give the reason in NOT_RUN"


def test_the_lists_hold_nothing_that_no_page_shows() -> None:
    shown = {command.text for command in _all_commands()}
    idle = [
        pattern
        for pattern in (*NOT_RUN, *SMALLER)
        if not any(fnmatch.fnmatchcase(text, pattern) for text in shown)
    ]
    assert idle == []
    assert {*ELSEWHERE} - shown == set()


def test_the_command_line_accepts_each() -> None:
    commands = list(_all_commands())
    made = {out for command in commands for out in _made(command.text)}
    for command in commands:
        _check(command.text, made)


def _made(text: str) -> list[str]:
    """Return what a command writes: another one may read it."""
    return [word for before, word in pairwise(shlex.split(text)) if before == "--out"]


def _check(text: str, made: set[str]) -> None:
    words = shlex.split(text)
    while words and ("=" in words[0] or words[0] in ("nice", "-n", "-5")):
        words.pop(0)
    if words[:1] == ["harness"]:
        _parsed([word for word in words[1:] if word != "..."])
    for word in {*words} - made:  # whatever of the project's own it names is there
        if re.match(r"(tests|script|scenarios|models)/", word):
            assert (ROOT / word).exists(), f"there is no {word}"
        if word == "-m":
            module = words[words.index(word) + 1].replace(".", "/")
            there = (ROOT / f"{module}.py", ROOT / module / "__main__.py")
            assert any(path.exists() for path in there), f"there is no {module}"


def test_a_wrong_command_line_is_noticed() -> None:
    for wrong in ("harness rnu x.yaml", "harness run x.yaml --fram virtual", "harness farm"):
        with pytest.raises(AssertionError):
            _parsed(shlex.split(wrong)[1:])


def test_what_sentences_and_the_readme_list_call_commands_exists() -> None:
    listed = [
        Command(command.page, command.line, re.sub(r"\s{2,}.*| (?=\|)|(?<=\|) ", "", command.text))
        for command in _listed()
    ]
    wrong = []
    for command in [*listed, *(found for page in PAGES for found in inline_commands(page))]:
        words = [word for word in command.text.split() if word not in ("...", "…")][1:]
        for first in words[0].split("|"):
            group = any(name.startswith(f"{first} ") for name in KNOWN)
            seconds = words[1].split("|") if group and len(words) > 1 else [""]
            for name in (f"{first} {second}".strip() for second in seconds):
                if group and len(words) == 1:
                    continue
                options = {
                    option
                    for param in getattr(KNOWN.get(name), "params", ())
                    for option in (*param.opts, *param.secondary_opts)
                }
                asked = {word.split("=")[0] for word in words if word.startswith("--")}
                if (name not in KNOWN and name != "COMMAND") or asked - options - {"--help"}:
                    wrong.append(f"{command.page}:{command.line}: {command.text}")
    assert wrong == []


# -- journeys -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def phones(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdbServer]:
    """An adb server of our own with two phones that replay."""
    folder = tmp_path_factory.mktemp("docs")
    with contextlib.closing(AdbServer.start_private()) as server:
        options = ["--trainer", "trace", "--trace-speed", "100"]
        farm = start_farm_on(server, folder, {"oneplus-7t": 1, "redmi-note-7-pro": 1}, options)
        yield server
        farm.stop()


class Shell:
    """Runs a page's commands in one folder; ``harness`` within this process, which is quicker."""

    def __init__(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch
        self._capfd = capfd
        monkeypatch.chdir(folder)
        for name in ("scenarios", "models", "device_profiles"):
            (folder / name).symlink_to(ROOT / name)

    def run(self, command: Command) -> str:
        """Run one command; return what it printed.

        Raises:
            AssertionError: It ended otherwise than the page promises.
        """
        text = ELSEWHERE.get(command.text, command.text)
        words = shlex.split(re.sub(r" --farm virtual\S*", "", text))
        added = (more for pattern, more in SMALLER.items() if fnmatch.fnmatchcase(text, pattern))
        words += next(added, "").split()
        if words[:2] == ["harness", "paper"]:
            words += ["--farm", "usb"]
        code, printed = self._harness(words) if words[0] == "harness" else self._other(words)
        assert code == command.exit_code, f"{command.page}:{command.line}: {text}\n{printed}"
        return printed

    def _harness(self, words: list[str]) -> tuple[int, str]:
        self._monkeypatch.setattr(sys, "argv", words)
        self._monkeypatch.setattr(signal, "signal", lambda *_: None)  # this process keeps its own
        with pytest.raises(SystemExit) as left:
            main()
        out, err = self._capfd.readouterr()
        return (left.value.code if isinstance(left.value.code, int) else 0), err + out

    def _other(self, words: list[str]) -> tuple[int, str]:
        program = sys.executable if words[0] == "python" else words[0]
        done = subprocess.run(
            [program, *words[1:]],
            capture_output=True,
            text=True,
            cwd=self.folder,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def shell(
    phones: AdbServer,
    tmp_path: Path,
    speech_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Shell:
    monkeypatch.setenv("MOBILEASR_LAB_CACHE", str(speech_cache))
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(phones.port))
    monkeypatch.setenv("COLUMNS", "160")
    return Shell(tmp_path, monkeypatch, capfd)


@pytest.mark.parametrize("page", JOURNEYS)
def test_a_journey(page: str, shell: Shell) -> None:
    printed = ""
    for block in blocks(page):
        if block.language in SHELL:
            ready = [command for command in commands(block) if _reason(command.text) is None]
            printed += "".join([shell.run(command) for command in ready])
        elif block.language == "yaml" and (name := _FILE.match(block.text)):
            if not name[1].startswith("device_profiles/"):
                (shell.folder / name[1]).write_text(block.text)
        elif block.language == "python":
            exec(compile(block.text, f"{page}:{block.line}", "exec"), {})
        elif block.language == "text":
            assert never_printed(block.text, printed) == [], f"{page}:{block.line}"

    assert _unnamed_files(shell.folder) == set(), "say in the result format what they are"


def _unnamed_files(folder: Path) -> set[str]:
    """Return the files of all runs here that the page of the result format does not name."""
    found = {
        path.relative_to(record.parent).as_posix()
        for record in folder.rglob("run.json")
        for path in record.parent.rglob("*")
        if path.is_file() and not path.is_relative_to(record.parent / "csv")
    }
    attempts = {f"attempts/*/*/{name}" for name in results_page.ATTEMPT_FILES}
    known = {*results_page.RUN_FILES, *attempts}
    return {
        path for path in found if not any(fnmatch.fnmatchcase(path, pattern) for pattern in known)
    }


@pytest.mark.parametrize("page", [page for page in JOURNEYS if "/tutorials/" in page])
def test_a_tutorial_prints_no_figure_that_no_test_compares(page: str) -> None:
    titled = [block.text for block in blocks(page) if block.language == "titled"]
    code = "".join(block.text for block in blocks(page))
    prose = [line for line in (ROOT / page).read_text("utf-8").splitlines() if line not in code]
    assert measured_figures("\n".join([*titled, *prose])) == []


@pytest.mark.parametrize(
    ("line", "same"),
    [
        (" ind-male  VLAB-oneplus-7t-1-9e2f62  244  S1  27.9  done", True),
        (" ind-male  VLAB-oneplus-7t-1-9e2f62  231  S1  27.1  done", True),
        (" ind-male  VLAB-oneplus-7t-1-9e2f62  …  S1  27.9  done", True),
        (" ind-male  …  done", True),
        (" ind-male  VLAB-oneplus-7t-1-9e2f62  204  S1  27.9  done", False),
        (" ind-male  VLAB-oneplus-7t-1-9e2f62  244  S8  27.9  done", False),
        (" ind-male  VLAB-oneplus-7t-1-9e2f62  244  S1  27.9  failed", False),
        (" uk-male  VLAB-oneplus-7t-1-9e2f62  244  S1  27.9  done", False),
    ],
)
def test_a_shown_line_is_compared_with_the_printed_one(line: str, same: bool) -> None:
    printed = [" speaker  phone  MiB", " ind-male  VLAB-oneplus-7t-1-48704a  244  S1  27.9  done "]
    assert is_printed(line, printed) == same


def test_commands_of_other_pages(shell: Shell) -> None:
    shape = RunShape(profiles=("oneplus-7t",), speakers=("us-male",), sub_models=("S8",), epochs=1)
    for name in ("one", "two"):
        make_run(shell.folder / "runs", shape, name)
    for command in _all_commands():
        if command.page not in JOURNEYS and command.text in ELSEWHERE:
            shell.run(command)
