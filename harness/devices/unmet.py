"""What is said when no phone, or too few, meet what a job wants (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.devices.requirements import PhoneFacts, match
from harness.scenario.demands import Demands

_NAMED = 4
"""So many phones that do not fit for one reason are named; the others are counted."""


@dataclass(frozen=True)
class Unmet:
    """Demands that no phone, or too few, meet.

    Attributes:
        wanted: The demands in words.
        count: How many phones must fit, if more than one.
        fitting: How many do.
        why: Serial -> why the phone is not enough; ``fits`` where it is another one that lacks.
        profiles: Serial -> its profile.
    """

    wanted: str
    count: int | None
    fitting: int
    why: Mapping[str, str]
    profiles: Mapping[str, str]

    @property
    def headline(self) -> str:
        """What was wanted, in one line."""
        if self.fitting:
            return f"wanted {self.count} phones, only {self.fitting} fit: {self.wanted}"
        return f"no phone fits: wanted {self.wanted}"

    def lines(self) -> list[str]:
        """Return the headline, then every reason once, with the phones that it is true of."""
        groups: dict[tuple[str, str], list[str]] = {}
        for serial, reason in self.why.items():
            groups.setdefault((self.profiles[serial], reason), []).append(serial)
        lines = [self.headline]
        for (profile, reason), serials in groups.items():
            lines.append(f"  {some_of(serials, _NAMED)} ({profile}): {reason}")
        if not self.why:
            lines.append("  there is no usable phone at all; see: harness devices")
        return lines


def some_of(names: Sequence[str], most: int) -> str:
    """Return ``a, b, c``; where there are more than ``most``, the rest as a number."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def unmet(demands: Demands, phones: Sequence[PhoneFacts], avoided: Sequence[Demands] = ()) -> Unmet:
    """Say what was wanted and why each phone is not enough.

    Args:
        demands: What was wanted.
        phones: What is there.
        avoided: Phones that meet one of these are not taken either.
    """
    why: dict[str, str] = {}
    fitting = 0
    for phone in phones:
        reasons = [
            *match(demands, phone).reasons,
            *(
                f"the matrix excludes {_words(other)}"
                for other in avoided
                if match(other, phone).fits
            ),
        ]
        fitting += not reasons
        why[phone.serial] = "; ".join(reasons) or "fits"
    return Unmet(
        wanted=_words(demands) or "any phone",
        count=demands.count,
        fitting=fitting,
        why=why,
        profiles={phone.serial: phone.profile or "no profile" for phone in phones},
    )


def _words(demands: Demands) -> str:
    return ", ".join(
        f"{name} {_shown(value)}"
        for name, value in demands.given.items()
        if name not in ("count", "each")
    )


def _shown(value: object) -> str:
    return " or ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
