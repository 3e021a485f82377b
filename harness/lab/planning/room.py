"""Whether pressure's goal, what sub-models need and the stop rule can work together (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.errors import InputError
from harness.lab.ports import LabPhone
from harness.pressure import Goal
from harness.scenario.schema import AUTO, JobContent, Trainer

_MIB = 1024


def check_goal(goal: Goal, trainer: Trainer, base_mb: float) -> None:
    """Check that a trainer could begin an epoch under a goal.

    Args:
        goal: Of the pressure.
        trainer: How the phone trains, with the stop rule settled.
        base_mb: What the trainer holds before it loads a model.

    Raises:
        InputError: The goal is below what the trainer itself holds, or the stop rule ends each
            training before its first epoch.
    """
    if goal.available_mb <= base_mb:
        raise InputError(
            f"a goal of {goal.available_mb:g} MiB leaves nothing to train in: the trainer itself "
            f"holds {base_mb:.0f}",
            where="pressure.available_mb",
            hint=_in_gib(goal.available_mb),
        )
    stop_mb = trainer.stop.settled_available_below_mb
    room_mb = goal.available_mb - base_mb
    if trainer.planned_epochs and stop_mb >= room_mb:
        raise InputError(
            f"no epoch can begin: it needs more than {stop_mb:g} MiB available, and the goal of "
            f"{goal.available_mb:.0f} MiB ({goal.text}) leaves at most {room_mb:.0f}",
            where="trainer.stop.available_below_mb",
            hint="Leave it out, and it follows from the model's needs; or raise the goal.",
        )


def _in_gib(size: float) -> str:
    if size < 64:
        return f"Sizes are MiB: {size:g} GiB is {size * _MIB:.0f}."
    return "Raise the goal."


def check_goal_on_phones(goal: Goal, phones: Sequence[LabPhone]) -> None:
    """Check that at least one phone has the RAM that a goal asks to be left.

    Args:
        goal: Of the pressure.
        phones: Those that fit the job; with none, nothing is checked.

    Raises:
        InputError: Each of them has less RAM in all.
    """
    sizes = [phone.info.ram_total_mb for phone in phones]
    if sizes and all(0 < size < goal.available_mb for size in sizes):
        raise InputError(
            f"a goal of {goal.available_mb:.0f} MiB is more than any phone that fits has: "
            f"{max(sizes):.0f} MiB of RAM in all",
            where="pressure.available_mb",
            hint="Sizes are MiB. Write what is to be left available to the trainer.",
        )


def room_warnings(
    content: JobContent,
    goal: Goal | None,
    sub_models: Sequence[str],
    need_mb: Mapping[str, float],
    base_mb: float,
    phones: Sequence[LabPhone],
) -> Iterator[str]:
    """Yield what may go wrong for lack of RAM.

    Args:
        content: What the job is made of, settled.
        goal: Of its pressure.
        sub_models: What its phone chooses from, the largest first; one alone if it is forced.
        need_mb: Of each.
        base_mb: What the trainer holds before it loads a model.
        phones: Those that fit.
    """
    if content.trainer.mode == "evaluate":
        return
    if goal is not None:
        yield from _in_room(
            content, goal.available_mb - base_mb, sub_models, need_mb, "the goal leaves"
        )
        return
    for phone in phones:
        idle_mb = phone.info.idle_available_mb
        if idle_mb:
            place = f"{phone.serial} has, when idle,"
            yield from _in_room(content, idle_mb - base_mb, sub_models, need_mb, place)


def _in_room(
    content: JobContent,
    room_mb: float,
    sub_models: Sequence[str],
    need_mb: Mapping[str, float],
    place: str,
) -> Iterator[str]:
    forced = content.trainer.sub_model != AUTO
    fitting = [name for name in sub_models if need_mb[name] <= room_mb]
    smallest = sub_models[-1]
    room = f"{place} {room_mb:.0f} MiB"
    if forced and not fitting:
        yield (
            f"{smallest} is forced and needs {need_mb[smallest]:.0f} MiB, {room}: the phone may "
            "kill the trainer"
        )
    elif not fitting:
        yield (
            f"no sub-model fits, and nothing will be trained: the smallest candidate, {smallest}, "
            f"needs {need_mb[smallest]:.0f} MiB, {room}"
        )
    else:
        left_mb = room_mb - need_mb[fitting[0]]
        stop_mb = content.trainer.stop.settled_available_below_mb
        if content.trainer.planned_epochs and stop_mb >= left_mb:
            yield (
                f"training may end early: no epoch begins at or below {stop_mb:g} MiB available "
                f"(trainer.stop.available_below_mb), and {fitting[0]} leaves about {left_mb:.0f}"
            )
