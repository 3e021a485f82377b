"""The host of a run is killed at random moments; see ``tests/chaos/kills.py``."""

from __future__ import annotations

import sys

from tests.chaos.kills import main

if __name__ == "__main__":
    sys.exit(main())
