"""What each fault of the virtual phones comes to; see ``tests/chaos/faults.py``."""

from __future__ import annotations

import sys

from tests.chaos.faults import main

if __name__ == "__main__":
    sys.exit(main())
