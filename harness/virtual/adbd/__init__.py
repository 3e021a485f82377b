"""The device side of ADB for virtual phones: any stock adb client can speak to it.

``Adbd(root, properties, faults)`` serves one phone on one loopback port; all phones may share one
event loop. The farm and tests start it; nothing here knows of the lab or of the host's adb code.
"""

from harness.virtual.adbd.daemon import Adbd
from harness.virtual.adbd.services import ServiceHandler

__all__ = ["Adbd", "ServiceHandler"]
