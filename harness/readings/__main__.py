"""``python -m harness.readings KIND [--proto] < FILE``: print a reading as JSON."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter

from harness.readings.errors import ReadingError
from harness.readings.kinds import KINDS, PROTO_KINDS

_ADAPTER: TypeAdapter[Any] = TypeAdapter(Any)


def main(arguments: Sequence[str]) -> int:
    """Read standard input as the named kind; 0 done, 1 not that kind of text, 2 bad usage."""
    words = [word for word in arguments if word != "--proto"]
    kinds = KINDS if len(words) == len(arguments) else PROTO_KINDS
    if len(words) != 1 or words[0] not in kinds:
        print(
            "usage: python -m harness.readings KIND [--proto] < FILE\n"
            f"  KIND: {', '.join(KINDS)}; with --proto {', '.join(PROTO_KINDS)}",
            file=sys.stderr,
        )
        return 2
    try:
        reading = kinds[words[0]](sys.stdin.buffer.read())
    except ReadingError as error:
        print(str(error), file=sys.stderr)
        return 1
    print(_ADAPTER.dump_json(reading, indent=2).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
