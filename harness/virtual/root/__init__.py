"""How a process becomes a process of a virtual phone: folders, tools, isolation.

``open_root(spec)`` gives the :class:`harness.virtual.phone.PhoneRoot` for a spec,
``probe_isolation()`` says which isolation this host allows. The farm and adbd's tests call this.
"""

from harness.virtual.root.opening import open_root
from harness.virtual.root.probe import IsolationProbe, probe_isolation

__all__ = ["IsolationProbe", "open_root", "probe_isolation"]
