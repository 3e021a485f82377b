"""From a spec to its root."""

from __future__ import annotations

from harness.virtual.phone import PhoneRoot, PhoneSpec
from harness.virtual.root.plain import PlainRoot


def open_root(spec: PhoneSpec) -> PhoneRoot:
    """Return the root for a spec, not yet started."""
    return PlainRoot(spec)
