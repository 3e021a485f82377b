"""What stands in the project's Markdown: blocks of code, commands in them and in sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "CONTRIBUTING.md", *sorted(
    path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")
))  # fmt: skip

_FENCE = re.compile(r"^(\s*)```+\s*([\w-]*)(.*)")
_COMMENT = re.compile(r"\s+#\s.*$|^#.*$")
_EXIT_CODE = re.compile(r"#.*\bexit code (\d+)")
_INLINE = re.compile(r"(?<!`)`(harness [^`]+)`(?!`)")


@dataclass(frozen=True)
class Block:
    """A block of code: its page, the line it begins at, its language, its text."""

    page: str
    line: int
    language: str
    text: str


@dataclass(frozen=True)
class Command:
    """One shell command: its page and line, its words, the exit code that the page promises."""

    page: str
    line: int
    text: str
    exit_code: int = 0


def blocks(page: str) -> list[Block]:
    """Return a page's blocks of code.

    One that is only indented is shell. One with a title says there when its text is seen: no
    command before it need have printed that.
    """
    lines = (ROOT / page).read_text("utf-8").splitlines()
    found: list[Block] = []
    number = 0
    in_list = False
    while number < len(lines):
        line = lines[number]
        fence = _FENCE.match(line)
        if fence:
            end = next(n for n in range(number + 1, len(lines)) if _FENCE.match(lines[n]))
            language = "titled" if "title=" in fence[3] else fence[2]
            found.append(_block(page, number, language, lines[number + 1 : end]))
            number = end + 1
            continue
        if line.strip() and not line.startswith(" "):
            in_list = re.match(r"[-*] |\d+\. ", line) is not None
        before_is_blank = number == 0 or not lines[number - 1].strip()
        if line.startswith("    ") and before_is_blank and not in_list:
            end = number
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
                end += 1
            found.append(_block(page, number - 1, "sh", lines[number:end]))
            number = end
            continue
        number += 1
    return found


def _block(page: str, before: int, language: str, lines: list[str]) -> Block:
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    text = "\n".join(line[indent:] for line in lines).rstrip() + "\n"
    return Block(page, before + 2, language, text)


def commands(block: Block) -> Iterator[Command]:
    """Return the commands of a block of shell; a backslash at the end goes on in the next line.

    Where lines begin with a prompt, ``$``, these are the commands and the others what they print.
    """
    text = ""
    prompts = re.search(r"^\$ ", block.text, re.MULTILINE) is not None
    for number, line in enumerate(block.text.splitlines(), block.line):
        if prompts and not line.startswith("$ "):
            continue
        line = line.removeprefix("$ ")
        if line.endswith("\\"):
            text += line[:-1].strip() + " "
            continue
        promised = _EXIT_CODE.search(line)
        text += _COMMENT.sub("", line).strip()
        if text:
            yield Command(block.page, number, text, int(promised[1]) if promised else 0)
        text = ""


def inline_commands(page: str) -> Iterator[Command]:
    """Return what a page calls a command of ``harness`` within its sentences and tables."""
    fenced = False
    for number, line in enumerate((ROOT / page).read_text("utf-8").splitlines(), 1):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and not line.startswith("    "):
            for found in _INLINE.finditer(line):
                yield Command(page, number, found[1])
