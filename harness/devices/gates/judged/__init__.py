"""All gates, one file each: each module's ``GATE``, and plug-ins'.

A new file here is all that a new gate takes, with its reason in docs/gates.md (docs: Extending
the lab).
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from harness.devices.gates.declared import Gate


@cache
def own_gates() -> tuple[Gate, ...]:
    """Return the gates of this package, in the order in which they are judged."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    gates = (importlib.import_module(f"{__name__}.{name}").GATE for name in names)
    return tuple(sorted(gates, key=lambda gate: gate.place))


@cache
def declared_gates() -> tuple[Gate, ...]:
    """Return all gates: this package's, then those of plug-ins."""
    return own_gates()
