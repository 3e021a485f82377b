"""Every shell text that goes to a phone is one that Android's own shell and tools can run.

mksh is that shell: some words are aliases or built-ins of it and cannot be names of functions. The
commands are those of toybox and Android that phones of Android 8 to 16 have.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3] / "harness"
FOLDERS = ("adb", "devices", "sampling", "pressure", "lab")

TAKEN = frozenset(
    """
    autoload functions hash history integer local login nameref nohup r source stop suspend type
    alias bg bind builtin cat cd command echo eval exec exit export false fc fg getopts global jobs
    kill let mknod print printf pwd read readonly realpath rename return set shift sleep test time
    times trap true typeset ulimit umask unalias unset wait whence
    """.split()  # noqa: SIM905 - words
)
"""Aliases and built-ins of mksh R59 (Android's main.c, funcs.c): no names for functions."""

SHELL = frozenset(
    """
    : . [ break case cd command continue do done echo elif else esac eval exec exit export fi for
    function if in kill print printf pwd read readonly return set shift test then time trap true
    false type ulimit umask unset until wait while let local
    """.split()  # noqa: SIM905
)
TOYBOX = frozenset(
    """
    basename cat chmod chown cksum cmp comm cp cut date dd df dirname dmesg du env expand expr find
    getprop grep head hostname id ifconfig ionice iorenice kill killall ln ls lsof md5sum mkdir
    mknod mktemp more mount mountpoint mv nc netstat nice nl nohup od paste patch pgrep pidof pkill
    ps pwd readlink realpath renice rm rmdir sed seq setprop setsid sha1sum sha256sum sleep sort
    split stat strings stty sync tac tail tar taskset tee time timeout top touch tr truncate tty
    uname uniq uptime vmstat wc which whoami xargs xxd yes getconf toybox
    """.split()  # noqa: SIM905
)
"""Of toybox as Android 8 has it (external/toybox, Android.mk), or its getprop and setprop."""
ANDROID = frozenset(
    """
    am appops cmd content device_config dumpsys getenforce input ip logcat monkey pm run-as
    screencap service settings sh start su svc wm
    """.split()  # noqa: SIM905
)

_FUNCTION = re.compile(r"(?:^|[\s;])([A-Za-z_][A-Za-z0-9_]*)\(\)\s*\{")
_LOOKS_LIKE_SHELL = re.compile(
    r"\$\(|\(\)\s*\{|;\s*(?:do|then|done|fi)\b|>\s*/dev/null|2>&1|^\s*(?:exec|cat|rm|mkdir|for) ",
    re.MULTILINE,
)
_SEPARATOR = re.compile(r"[;&|(){}`\n]")
_LEADING = re.compile(
    r"\s*(?:(?:then|do|else|elif|if|while|until|exec|time|!)(?=\s)|[A-Za-z_]\w*=\S*|[<>]\S*)\s*"
)
_WORD = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_-]*)(?=\s|$)")
_ARITHMETIC = re.compile(r"\$\(\((?:[^()]|\([^()]*\))*\)\)")
_PARAMETER = re.compile(r"\$\{[^}]*\}")
_QUOTED = re.compile(r"'[^']*'")
_COMMENT = re.compile(r"(?:^|\s)#.*")
_CASE = re.compile(r"(?:\bin\b|;;)\s*[^()\n;]*\)")


def _texts() -> Iterator[tuple[str, str]]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            where = path.relative_to(ROOT).as_posix()
            if path.suffix == ".sh":
                yield where, path.read_text()
            elif path.suffix == ".py":
                tree = ast.parse(path.read_text())
                docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
                inside = {
                    id(part)
                    for node in ast.walk(tree)
                    if isinstance(node, ast.JoinedStr)
                    for part in node.values
                }
                for node in ast.walk(tree):
                    text = _text(node)
                    if text.endswith("."):
                        continue  # a sentence for people
                    if text and id(node) not in docs | inside and _LOOKS_LIKE_SHELL.search(text):
                        yield f"{where}:{node.lineno}", text  # type: ignore[attr-defined]


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"\{[a-z_]+\}", "X", node.value).replace("{{", "{").replace("}}", "}")
    if isinstance(node, ast.JoinedStr):
        return "".join(
            part.value if isinstance(part, ast.Constant) else "X" for part in node.values
        )
    return ""


TEXTS = list(_texts())


def commands(text: str) -> set[str]:
    """Words of a shell text that stand where a command stands."""
    plain = _QUOTED.sub("Q", text.replace("\\\n", " "))
    plain = _without_strings(_PARAMETER.sub("P", _ARITHMETIC.sub("N", plain)))
    plain = _CASE.sub(";", _COMMENT.sub("", plain))
    found = set()
    for part in _SEPARATOR.split(plain):
        rest = part
        while match := _LEADING.match(rest):
            rest = rest[match.end() :]
        if word := _WORD.match(rest):
            found.add(word[1])
    return {word for word in found if len(word) > 1}


def _without_strings(text: str) -> str:
    """Return a text without what stands in double quotes, but for the commands in there."""
    kept, quoted, levels = [], False, [0]
    for place, letter in enumerate(text):
        if letter == '"' and text[place - 1] != "\\":
            quoted = not quoted
            kept += ["Q"] if quoted else []
        elif letter == "(" and text[place - 1] == "$":
            levels.append(1 if quoted else 0)
            quoted = False
            kept.append("(")
        elif letter == ")" and not quoted and len(levels) > 1:
            quoted = bool(levels.pop())
            kept.append(")")
        elif not quoted:
            kept.append(letter)
    return "".join(kept)


def test_there_are_texts_to_look_at() -> None:
    assert len(TEXTS) > 25
    assert any("capabilities" in where for where, _ in TEXTS)
    assert any(where.endswith(".sh") for where, _ in TEXTS)


@pytest.mark.parametrize(("where", "text"), TEXTS, ids=[where for where, _ in TEXTS])
def test_no_function_has_a_name_that_the_shell_has_taken(where: str, text: str) -> None:
    assert not set(_FUNCTION.findall(text)) & TAKEN


@pytest.mark.parametrize(("where", "text"), TEXTS, ids=[where for where, _ in TEXTS])
def test_only_commands_that_phones_have(where: str, text: str) -> None:
    own = set().union(*(_FUNCTION.findall(other) for _, other in TEXTS))
    known = SHELL | TOYBOX | ANDROID | own
    assert not commands(text) - known


def test_the_check_sees_what_it_is_for() -> None:
    assert commands("for o in a; do stdbuf -oL cat x | awk 1; done") >= {"stdbuf", "awk"}
    assert commands('echo "a; b $(nproc) c" "d"; perl') == {"echo", "nproc", "perl"}
    assert commands("x=$(nproc); case $x in 1) foo;; esac") >= {"nproc", "foo"}
    assert _FUNCTION.findall("\nr() { :; }; ok() { :; }") == ["r", "ok"]


def test_mksh_takes_the_words_that_are_listed() -> None:
    """The list is mksh's own: an alias or built-in is called instead of the function."""
    mksh = shutil.which("mksh")
    if mksh is None:
        pytest.skip("mksh is not installed")
    script = "r() { echo mine; }\nr"
    done = subprocess.run([mksh, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout != "mine\n"
    known = subprocess.run([mksh, "-c", "alias; builtin"], capture_output=True, text=True)
    aliases = set(re.findall(r"^(\w+)=", known.stdout, re.MULTILINE))
    assert aliases - {"hash"} <= TAKEN
