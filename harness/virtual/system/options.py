"""Options of commands: those of one letter, as toybox reads them, and those with a word (pure)."""

from __future__ import annotations


def split_letters(
    args: list[str], with_value: frozenset[str]
) -> tuple[set[str], dict[str, list[str]], list[str]]:
    """Split arguments into letters, letters with values, and words."""
    flags: set[str] = set()
    values: dict[str, list[str]] = {}
    words: list[str] = []
    left = list(args)
    while left:
        arg = left.pop(0)
        if not arg.startswith("-") or arg == "-":
            words.append(arg)
            continue
        letters = arg[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in with_value:
                value = letters or (left.pop(0) if left else "")
                values.setdefault(letter, []).append(value)
                break
            flags.add(letter)
    return flags, values, words


def words_of(args: list[str], with_value: frozenset[str]) -> list[str]:
    """Return the arguments that are no options and no values of options."""
    plain: list[str] = []
    skip = False
    for arg in args:
        if skip:
            skip = False
        elif arg in with_value:
            skip = True
        elif arg == "-" or not arg.startswith("-"):
            plain.append(arg)
    return plain
