"""Who holds a phone: one owner at a time, on this host and on any other, and what everybody asks.

A phone that is held has a lock on its host (``host_lock``: the kernel frees it when the owner
dies), a note on the phone itself (``phone_note``: it runs out by the phone's boot clock), and a row
in the run's ledger, which tells `resume` what to clean. ``keeper`` takes, renews and gives back all
of it; ``holder`` has the one rule of when a holder that is not heard of counts for nothing.
"""

from harness.lab.holding.holder import (
    EXPIRES_S,
    RENEW_S,
    Holder,
    PhoneBusyError,
    has_expired,
    owner_name,
)
from harness.lab.holding.host_lock import Held, holder_on_host
from harness.lab.holding.keeper import HostKeeper, Keeper, renewing, take_free
from harness.lab.holding.phone_note import Noted, read_note

__all__ = [
    "EXPIRES_S",
    "RENEW_S",
    "Held",
    "Holder",
    "HostKeeper",
    "Keeper",
    "Noted",
    "PhoneBusyError",
    "has_expired",
    "holder_on_host",
    "owner_name",
    "read_note",
    "renewing",
    "take_free",
]
