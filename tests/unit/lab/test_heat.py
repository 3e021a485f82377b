"""Which jobs warm a phone, and what spreading them saves: counted with a phone that warms up."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from harness.lab.planning.estimate import PastTimes, heat_kind, phone_kind, rise_c
from harness.lab.planning.heat import heated, queue_order
from harness.lab.planning.materials import Materials
from harness.lab.planning.plan import Plan, make_plan
from harness.lab.scheduling.demand import Ticket
from harness.lab.scheduling.dispatch import Dispatcher
from harness.lab.scheduling.job_queue import QueueOrder
from harness.results.samples import SAMPLE_SCHEMA
from harness.results.store import AttemptFolder
from harness.scenario import Scenario, expand_jobs, parse_scenario, tasks_of
from harness.yamlio import parse_yaml
from tests.fixtures.tasks import ticket
from tests.unit.lab.fakes import make_phone

AMBIENT_C, GATE_C, TAU_S = 25.0, 35.0, 600.0
"""A phone nears its own temperature by 63 % in ``TAU_S``; no job begins above ``GATE_C``."""


@dataclass
class WarmPhone:
    """A phone as one mass: idle it nears the room, at work the room plus what the job adds."""

    serial: str
    temperature_c: float = AMBIENT_C
    since: float = 0.0
    group: str = ""

    def settle(self, seconds: float, added_c: float) -> None:
        end = AMBIENT_C + added_c
        self.temperature_c = end + (self.temperature_c - end) * math.exp(-seconds / TAU_S)
        self.since += seconds

    def cooling_s(self) -> float:
        above = (self.temperature_c - AMBIENT_C) / (GATE_C - AMBIENT_C)
        return max(0.0, TAU_S * math.log(above)) if above > 0 else 0.0


def run(tickets: list[Ticket], phones: int, order: QueueOrder) -> tuple[int, float, float]:
    """Return (pushes, seconds of cooling, seconds until the last job ends)."""
    here = {f"p{n}": WarmPhone(f"p{n}") for n in range(phones)}
    queue = Dispatcher(tickets, here, order=order)
    pushes, cooling = 0, 0.0
    free = list(here.values())
    while free:
        phone = min(free, key=lambda phone: (phone.since, phone.serial))
        ticket = queue.take(phone.serial)
        if ticket is None:
            free.remove(phone)
            continue
        pushes += ticket.group != phone.group
        phone.group = ticket.group
        wait = phone.cooling_s()
        phone.settle(wait, 0.0)
        cooling += wait
        phone.settle(300.0, ticket.heat)
        queue.finished(ticket.job_id, phone.serial)
    assert not queue.has_open
    return pushes, cooling, max(phone.since for phone in here.values())


def matrix(rng: random.Random) -> tuple[list[Ticket], int]:
    """Two models, sub-models that warm a phone to 4 to 25 °C above the room, in matrix order."""
    phones = rng.randint(1, 4)
    heats = sorted((rng.uniform(4, 25) for _ in range(rng.randint(2, 5))), reverse=True)
    fits = frozenset(f"p{n}" for n in range(phones))
    tickets: list[Ticket] = []
    for group in "mn":
        for heat in heats:
            for _ in range(rng.randint(1, 3)):
                n = len(tickets)
                tickets.append(ticket(f"j{n}", n, fits, group=group, heat=heat))
    return tickets, phones


def test_hot_and_cool_jobs_alternate_and_the_group_is_kept() -> None:
    tickets = [
        ticket(f"j{n}", n, frozenset("A"), group="mn"[n // 4], heat=heat)
        for n, heat in enumerate([9.0, 8.0, 1.0, 2.0, 9.0, 1.0, 8.0, 2.0])
    ]
    queue = Dispatcher(tickets, "A", order="heat")
    seen = []
    while (taken := queue.take("A")) is not None:
        seen.append((taken.group, taken.heat))
        queue.finished(taken.job_id, "A")
    assert seen[:4] == [("m", 9.0), ("m", 1.0), ("m", 8.0), ("m", 2.0)]
    assert seen[4:] == [("n", 9.0), ("n", 1.0), ("n", 8.0), ("n", 2.0)]


def test_spreading_heat_costs_hardly_a_push_and_saves_cooling() -> None:
    orders: tuple[QueueOrder, ...] = ("plan", "groups", "heat")
    total = dict.fromkeys(orders, (0, 0.0, 0.0))
    for seed in range(60):
        tickets, phones = matrix(random.Random(seed))
        for order in orders:
            pushes, cooling, took = total[order]
            sums = run(tickets, phones, order)
            total[order] = (pushes + sums[0], cooling + sums[1], took + sums[2])
    for order, (pushes, cooling, took) in total.items():
        print(f"{order}: {pushes} pushes, {cooling / 3600:.1f} h of cooling in {took / 3600:.1f} h")
    assert total["groups"][0] <= total["plan"][0]
    assert total["heat"][0] <= 1.02 * total["groups"][0]
    assert total["heat"][1] < 0.9 * total["groups"][1]
    assert total["heat"][2] < total["groups"][2]


HEAD = "name: t\nmodel: ds2-tiny\ntrainer: {batch_size: 2, epochs: 4}\n"


def plan_of(text: str) -> Plan:
    raw, lines = parse_yaml(HEAD + text, "s.yaml")
    phones = [make_phone("A")]
    tasks = tasks_of(expand_jobs(parse_scenario(raw, lines, folder=Path())))
    return make_plan(Materials(Path()).needs(tasks), phones)


def test_the_rule_larger_sub_models_and_more_threads_are_hotter() -> None:
    made = plan_of("matrix: {trainer.sub_model: [S8, S1], trainer.threads: [1, 2]}\n")
    heats = [job.heat for job in heated(made, PastTimes()).jobs]
    assert heats == sorted(heats)
    assert heats[1] == 2 * heats[0]
    pressed = heated(plan_of("matrix: {pressure.fits: [S8, S5, S1]}\n"), PastTimes()).jobs
    assert [job.heat for job in pressed] == sorted(job.heat for job in pressed)
    assert pressed[0].heat < pressed[-1].heat


def test_what_was_measured_counts_if_it_is_known_of_all_jobs() -> None:
    made = plan_of("matrix: {trainer.sub_model: [S8, S1]}\n")
    phone = phone_kind(made.phones[0].record)
    kinds = [heat_kind(job.spec.content) for job in made.jobs]
    past = PastTimes(rises={(phone, kinds[0]): [4.0, 3.0, 9.0]})
    by_rule = [job.heat for job in heated(made, PastTimes()).jobs]
    assert [job.heat for job in heated(made, past).jobs] == by_rule
    past.rises[phone, kinds[1]] = [1.5]
    assert [job.heat for job in heated(made, past).jobs] == [4.0, 1.5]


def test_the_rise_of_the_battery_s_temperature_is_read_from_an_attempts_samples(
    tmp_path: Path,
) -> None:
    def attempt(name: str, *temperatures: float | None) -> AttemptFolder:
        folder = AttemptFolder(tmp_path / name, "job", 1)
        folder.make()
        columns = [
            pa.array(
                temperatures
                if field.name == "battery_temperature_c"
                else [None] * len(temperatures),
                field.type,
            )
            for field in SAMPLE_SCHEMA
        ]
        folder.write_samples(pa.table(columns, schema=SAMPLE_SCHEMA))
        return folder

    assert rise_c(attempt("a", None, 30.0, 33.5, 33.0, None)) == pytest.approx(3.0)
    assert rise_c(attempt("b", 30.0)) is None
    assert rise_c(AttemptFolder(tmp_path / "none", "job", 1)) is None


@pytest.mark.parametrize(
    ("order", "kept"), [("as-written", "plan"), ("fewest-pushes", "groups"), ("shuffled", "plan")]
)
def test_only_one_order_spreads_heat(order: str, kept: str) -> None:
    def scenario(word: str) -> Scenario:
        return Scenario.model_validate({"name": "t", "model": "ds2-tiny", "order": word})

    assert queue_order(scenario(order)) == kept
    assert queue_order(scenario("fewest-cool-downs")) == "heat"
