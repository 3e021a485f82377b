"""The ``harness`` command: one file per command group, thin over the floors below.

Nothing imports this package. ``app`` gathers the commands, ``console`` is how they speak
(people on a terminal, plain lines, ``--json``), ``farm_process`` starts virtual phones.
"""

from harness.cli.app import main

__all__ = ["main"]
