"""The controller of RAM pressure: a reading in, how much ballast out (pure, no clock of its own).

An integrating controller with a ramp and a dead-band. Phones answer late (ballast fills its pages,
the kernel swaps some of it away), so after a change it waits until the change shows, or long enough
to know that it will not; then the rest of the error is the next step. What lmkd kills is taken off
the books at once (nothing winds up) and comes back by the same law.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

from harness.pressure.goal import Goal

State = Literal["ramping", "settled", "unreachable"]


@dataclass(frozen=True)
class Reading:
    """The phone at one moment.

    Args:
        t_ms: The phone's boot clock.
        available_mb: MemAvailable.
        trainer_mb: The trainer's anonymous memory, 0 while it does not run.
        alive: Ballast services that run, with the pid of each.
        trainer_pid: None while it does not run.
    """

    t_ms: int
    available_mb: float
    trainer_mb: float = 0.0
    alive: Mapping[int, int] = field(default_factory=dict)
    trainer_pid: int | None = None

    @property
    def value_mb(self) -> float:
        """The controlled figure: what is there for the trainer."""
        return self.available_mb + self.trainer_mb


@dataclass(frozen=True)
class Settings:
    """How the controller moves.

    Args:
        max_step_mb: Largest growth in one step near the goal: a ramp gives lmkd and zram time.
        far_share: Far from the goal a step may be this share of what is still to go.
        settle_readings: Readings in a row within the tolerance that count as settled.
        max_wait: Readings after which a change that does not show is taken as lost.
        give_up_readings: Readings in a row at an end stop that count as unreachable.
        max_kills: Kills of ballast before the goal was ever reached that count as unreachable.
        max_ballast_mb: Most ballast ever asked for; None = four times the first error and 512 MB.
    """

    max_step_mb: float = 256.0
    far_share: float = 0.25
    settle_readings: int = 3
    max_wait: int = 5
    give_up_readings: int = 5
    max_kills: int = 6
    max_ballast_mb: float | None = None


@dataclass(frozen=True)
class Decision:
    """What the controller wants after a reading."""

    ballast_mb: int
    """Total to hold from now on."""
    changed: bool
    within: bool
    """The reading lies within the tolerance."""
    state: State
    why: str = ""
    """Of ``unreachable``: what stands in the way."""


class Controller:
    """Holds the ballast total; see the module's description.

    Args:
        goal: What to hold.
        settings: How to move.
    """

    def __init__(self, goal: Goal, settings: Settings | None = None) -> None:
        self.goal = goal
        self.settings = settings or Settings()
        self.ballast_mb = 0
        self.kills = 0
        self.state: State = "ramping"
        self._max_mb = self.settings.max_ballast_mb
        self._recent: deque[float] = deque(maxlen=3)
        self._trainer_mb: float | None = None
        self._last_value: float | None = None
        self._within_row = 0
        self._stuck_row = 0
        self._waiting: tuple[float, float, int] | None = None
        """(value when the change was asked, change, readings since)."""

    def take_up(self, ballast_mb: int, max_mb: float | None) -> None:
        """Go on from a goal that was reached before, with what is held of it."""
        self.ballast_mb, self._max_mb, self.state = ballast_mb, max_mb, "settled"

    @property
    def max_mb(self) -> float | None:
        """The most ballast that it would ask for; None before the first reading."""
        return self._max_mb

    def lost(self, mb: float) -> None:
        """Take killed ballast off the books."""
        self.kills += 1
        self.ballast_mb = max(0, self.ballast_mb - round(mb))
        self._waiting = None
        self._recent.clear()

    def step(self, reading: Reading) -> Decision:
        """Take a reading; return the total to hold from now on."""
        value = reading.value_mb
        error = value - self.goal.available_mb
        if self._max_mb is None:
            self._max_mb = max(0.0, 4 * error) + 512
        within = abs(error) <= self.goal.tolerance_mb
        self._within_row = self._within_row + 1 if within else 0
        if self.state == "ramping" and self._within_row >= self.settings.settle_readings:
            self.state = "settled"
        before = self.ballast_mb
        jumped = self._trainer_jumped(reading)
        pending = self._pending(value)
        if not jumped and pending is not None:
            self._recent.append(value)
            self._move(error - pending)
        self._last_value = value
        why = "" if self.state == "settled" else self._hopeless(error, value)
        if why:
            self.state = "unreachable"
        changed = self.ballast_mb != before
        if changed:
            self._waiting = (value, float(self.ballast_mb - before), 0)
            self._recent.clear()
        return Decision(self.ballast_mb, changed, within, self.state, why)

    def _trainer_jumped(self, reading: Reading) -> bool:
        """The trainer's memory and MemAvailable are not read at the same instant.

        While the trainer grows fast their sum is off by a second's growth: not an error to act on.
        """
        last, self._trainer_mb = self._trainer_mb, reading.trainer_mb
        return last is not None and abs(reading.trainer_mb - last) > self._dead_band

    @property
    def _dead_band(self) -> float:
        return self.goal.tolerance_mb / 2

    def _pending(self, value: float) -> float | None:
        """Return how much of the last change is still to show; None = too much to act now."""
        if self._waiting is None:
            return 0.0
        asked_at, change, readings = self._waiting
        readings += 1
        self._waiting = (asked_at, change, readings)
        missing = value - (asked_at - change)
        shows = abs(missing) <= max(self._dead_band, 0.25 * abs(change))
        moves = self._last_value is not None and abs(value - self._last_value) > self._dead_band
        late = readings >= self.settings.max_wait and not moves
        if not shows and not late and readings < 3 * self.settings.max_wait:
            return None
        self._waiting = None
        # What does not come in time will not come: swapped out, or something else gave way.
        return max(0.0, missing) if shows and change > 0 else 0.0

    def _move(self, error: float) -> None:
        if self.state == "settled" and len(self._recent) == self._recent.maxlen:
            error = median(self._recent) - self.goal.available_mb  # one odd reading moves nothing
        elif self.state == "settled":
            return
        if abs(error) <= self._dead_band:
            return
        ramp = max(self.settings.max_step_mb, self.settings.far_share * error)
        step = min(error, ramp)
        limit = self._max_mb if self._max_mb is not None else 0.0
        self.ballast_mb = round(min(max(0.0, self.ballast_mb + step), max(limit, 0.0)))

    def _hopeless(self, error: float, value: float) -> str:
        at_top = self._max_mb is not None and self.ballast_mb >= self._max_mb
        short = error < -self.goal.tolerance_mb and self.ballast_mb == 0
        over = error > self.goal.tolerance_mb and at_top
        self._stuck_row = self._stuck_row + 1 if short or over else 0
        goal = self.goal.available_mb
        if self._stuck_row >= self.settings.give_up_readings:
            if short:
                return f"the phone has only {value:.0f} MB without ballast; {goal:.0f} MB wanted"
            return (
                f"{self.ballast_mb} MB of ballast leave {value:.0f} MB available; "
                f"{goal:.0f} MB wanted (is it swapped out?)"
            )
        if self.kills >= self.settings.max_kills:
            return (
                f"the phone killed ballast {self.kills} times before {goal:.0f} MB was reached; "
                f"it has {value:.0f} MB"
            )
        return ""
