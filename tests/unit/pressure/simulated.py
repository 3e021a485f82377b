"""A phone in numbers: memory that answers late, noise, zram, lmkd, a trainer that grows."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.pressure.ballast import spread
from harness.pressure.control import Controller, Decision, Reading


@dataclass
class SimulatedPhone:
    """One second a step."""

    idle_mb: float = 3000.0
    seed: int = 0
    noise_mb: float = 0.0
    fill_mb_per_s: float = 400.0
    lag_s: int = 0
    """Seconds until MemAvailable shows what is held."""
    swallow: float = 0.0
    """Share of the ballast that zram takes away again, slowly."""
    kill_below_mb: float = 0.0
    random_kills: float = 0.0
    """Chance per second that one ballast process is killed."""
    trainer: Callable[[int], float] = lambda _: 0.0
    asked: dict[int, int] = field(default_factory=dict)
    held: dict[int, float] = field(default_factory=dict)
    pids: dict[int, int] = field(default_factory=dict)
    swapped: float = 0.0
    t: int = 0
    kills: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.past: list[float] = []
        self.next_pid = 100

    def hold(self, total_mb: int) -> None:
        self.asked = {k: mb for k, mb in enumerate(spread(total_mb), 1) if mb > 0}
        for k in self.asked:
            if k not in self.pids:
                self.next_pid += 1
                self.pids[k] = self.next_pid
                self.held[k] = 0.0
        for k in [k for k in self.held if k not in self.asked]:
            del self.held[k], self.pids[k]

    def kill(self, service: int) -> None:
        del self.held[service], self.pids[service], self.asked[service]
        self.kills += 1

    def step(self) -> Reading:
        self.t += 1
        for k, want in self.asked.items():
            have = self.held[k]
            limit = self.fill_mb_per_s
            self.held[k] = have + max(-10 * limit, min(limit, want - have))
        total = sum(self.held.values())
        self.swapped += 0.3 * (self.swallow * total - self.swapped)
        trainer = self.trainer(self.t)
        truth = self.idle_mb - (total - self.swapped) - trainer
        if self.held and truth < self.kill_below_mb:
            self.kill(max(self.held, key=lambda k: self.held[k]))
        elif self.held and self.chance.random() < self.random_kills:
            self.kill(self.chance.choice(sorted(self.held)))
        self.past.append(truth)
        seen = self.past[max(0, len(self.past) - 1 - self.lag_s)]
        seen += self.chance.uniform(-self.noise_mb, self.noise_mb)
        return Reading(self.t * 1000, max(0.0, seen), trainer, dict(self.pids))

    @property
    def value_mb(self) -> float:
        """What is really there for the trainer right now."""
        total = sum(self.held.values())
        return self.idle_mb - (total - self.swapped)


def run(phone: SimulatedPhone, controller: Controller, seconds: int) -> list[Decision]:
    """Drive the phone as ``Loop`` does."""
    decisions = []
    sizes = dict(phone.asked)
    for _ in range(seconds):
        reading = phone.step()
        for service in [k for k in sizes if k not in phone.pids]:
            controller.lost(sizes.pop(service))
        decision = controller.step(reading)
        decisions.append(decision)
        if decision.state == "unreachable":
            break
        if decision.ballast_mb != sum(sizes.values()):
            phone.hold(decision.ballast_mb)
            sizes = dict(phone.asked)
    return decisions
