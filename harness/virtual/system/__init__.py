"""The system of a virtual phone: processes, packages, memory, battery, log, and their commands.

One :class:`SystemServer` a phone, living in the farm's process. The phone's scripts
(:mod:`harness.virtual.userland`) reach it through two named pipes. What's modelled is said in
``memory``, ``battery``, ``thermal`` and ``lmkd``, which are pure; everything else is bookkeeping of
real processes.
"""

from harness.virtual.system.server import SystemServer

__all__ = ["SystemServer"]
