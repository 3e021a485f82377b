"""What the host and the on-device trainer say to each other (pure: no I/O).

``job`` is the file the host pushes, ``events`` the append-only log it follows, ``network`` the
names that both use. Both trainers (``harness.trainer`` and ``apk/``) and the host import or mirror
these models; JSON schemas are generated from them (``harness.contract.schema``).
"""

from harness.contract.events import EVENT_TYPES, Event, Phase, parse_event
from harness.contract.job import CONTRACT_VERSION, Job, Keep
from harness.contract.network import Network, SubModelName

__all__ = [
    "CONTRACT_VERSION",
    "EVENT_TYPES",
    "Event",
    "Job",
    "Keep",
    "Network",
    "Phase",
    "SubModelName",
    "parse_event",
]
