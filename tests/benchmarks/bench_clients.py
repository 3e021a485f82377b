"""What other people's ADB clients say of a virtual phone: calls that work, fail, or are left out.

``script/bench clients [--only NAME ...] [--tree FOLDER] [--json]``. Each
client is installed at its pinned version into a folder of its own under ``build/clients`` and gets
a fresh phone on a private adb server. ``--tree`` takes the virtual phones of another checkout, to
compare. A client that cannot be had here (no network, no npm) is skipped, with the reason.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tests.benchmarks.clients.installing import NotHereError
from tests.benchmarks.clients.known import Client, known
from tests.benchmarks.clients.outcome import Judgement, table
from tests.benchmarks.clients.phone import TREE, NoPhoneError, fresh_phone


def judged(client: Client, tree: Path) -> Judgement:
    """Ask one client."""
    try:
        installed = client.ready()
    except NotHereError as error:
        return Judgement(client.name, client.version, skipped=str(error))
    with fresh_phone(tree) as phone:
        return Judgement(client.name, client.version, tuple(client.judge(installed, phone)))


def main() -> int:
    """Ask the clients one after the other; 1 if a call fails, 2 without a phone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="parts of names")
    parser.add_argument("--tree", type=Path, default=TREE)
    parser.add_argument("--android-runner", type=Path, help="a checkout: no registry has it")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    clients = [
        client
        for client in known(options.android_runner)
        if not options.only or any(name in client.name for name in options.only)
    ]
    judgements = []
    for client in clients:
        print(f"{client.name} {client.version} ...", file=sys.stderr, flush=True)
        try:
            judgements.append(judged(client, options.tree.resolve()))
        except NoPhoneError as error:
            print(f"bench clients: {error}", file=sys.stderr)
            return 2
    if options.json:
        print(json.dumps([judgement.as_json() for judgement in judgements], indent=2))
    else:
        print(table(judgements))
    return int(any(judgement.count("fails") for judgement in judgements))


if __name__ == "__main__":
    sys.exit(main())
