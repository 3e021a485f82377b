"""How a process becomes a process of a virtual phone: folders, tools, isolation.

``open_root(spec)`` gives the :class:`harness.virtual.phone.PhoneRoot` for a spec,
``probe_isolation()`` says which isolation this host allows. The farm and adbd's tests call this.
"""

from harness.virtual.phone import PhoneRoot, PhoneSpec
from harness.virtual.root.plain import PlainRoot
from harness.virtual.root.probe import IsolationProbe, probe_isolation
from harness.virtual.root.userns import UsernsRoot

__all__ = ["IsolationProbe", "open_root", "probe_isolation"]


def open_root(spec: PhoneSpec) -> PhoneRoot:
    """Return the root for a spec, not yet started."""
    return UsernsRoot(spec) if spec.isolation == "userns" else PlainRoot(spec)
