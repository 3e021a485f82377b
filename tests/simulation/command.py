"""``script/bench simulation``: one seed, or many; what fails is replayed by the line it prints."""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
import traceback
from dataclasses import asdict

from tests.simulation.run import Run
from tests.simulation.world import Size


def main() -> int:
    """Simulate; exit code 1 if an invariant was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="first seed")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds")
    parser.add_argument("--phones", type=int, default=Size.phones)
    parser.add_argument("--hosts", type=int, default=Size.hosts)
    parser.add_argument("--jobs", type=int, default=Size.jobs)
    parser.add_argument("--deaths", type=int, default=Size.deaths, help="of the coordinator")
    parser.add_argument("--calm-s", type=float, default=Size.calm_s, help="between faults, a phone")
    parser.add_argument(
        "--graph", type=float, default=Size.graph, help="share of tasks with more than one parent"
    )
    parser.add_argument("--check-every", type=int, default=1, help="turns between idle checks")
    parser.add_argument("--log", action="store_true", help="print all that happens")
    options = parser.parse_args()
    size = Size(
        options.phones,
        options.hosts,
        options.jobs,
        options.deaths,
        options.calm_s,
        options.graph,
    )
    for seed in range(options.seed, options.seed + options.seeds):
        begun = time.process_time()
        run = Run(size, seed, check_every=options.check_every, verbose=options.log)
        try:
            outcome = run.go()
        except Exception:  # noqa: BLE001 - told, with the line that replays it
            print("\n".join(run.world.told))
            traceback.print_exc()
            print(f"seed {seed} fails; replay: {replay(size, seed)} --log", file=sys.stderr)
            return 1
        print("\n".join(run.world.told), end="\n" if run.world.told else "")
        took = {
            "cpu_s": round(time.process_time() - begun, 2),
            "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }
        print(json.dumps({"seed": seed, **asdict(outcome), **took}))
    return 0


def replay(size: Size, seed: int) -> str:
    """Return the command that simulates just this."""
    return (
        f"script/bench simulation --seed {seed} --phones {size.phones} --hosts {size.hosts} "
        f"--jobs {size.jobs} --deaths {size.deaths} --calm-s {size.calm_s:g} --graph {size.graph:g}"
    )


if __name__ == "__main__":
    sys.exit(main())
