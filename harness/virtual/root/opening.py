"""From a spec to its root."""

from __future__ import annotations

from harness.virtual.phone import PhoneRoot, PhoneSpec
from harness.virtual.root.plain import PlainRoot
from harness.virtual.root.userns import UsernsRoot


def open_root(spec: PhoneSpec) -> PhoneRoot:
    """Return the root for a spec, not yet started."""
    return UsernsRoot(spec) if spec.isolation == "userns" else PlainRoot(spec)
