"""The lab on a simulated clock; see ``tests/simulation/command.py``."""

from __future__ import annotations

import sys

from tests.simulation.command import main

if __name__ == "__main__":
    sys.exit(main())
