"""Published systems, a folder each: to add a folder with a ``SYSTEM`` is to add one."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from harness.errors import InputError
from harness.paper.system import System


def system_names() -> tuple[str, ...]:
    """Return the systems that there are, as ``--system`` has them."""
    return tuple(sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__)))


def load_system(name: str) -> System:
    """Return a system.

    Raises:
        InputError: There is none of that name.
    """
    names = system_names()
    if name not in names:
        raise InputError(
            f"there is no system {name!r}", where="--system", hint=f"There are {', '.join(names)}."
        )
    system: System = import_module(f"{__name__}.{name.replace('-', '_')}").SYSTEM
    return system
