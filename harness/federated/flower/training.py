"""A federated training whose server is Flower: a strategy, or a whole ServerApp, as it is.

Flower keeps everything in memory and begins at round 1. A resumed run therefore runs the server
anew; the turns that have their answers are not sent again but answered from the run folder, so that
it comes, with the same seeds, to the same model, moments and round where it was interrupted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from harness.errors import HarnessError
from harness.federated.clients import Federation
from harness.federated.flower.arrays import keep, record_of
from harness.federated.flower.grid import PhoneGrid
from harness.federated.flower.host import HAND_OUT, KEPT
from harness.federated.flower.inner import context, log_with_us
from harness.federated.flower.load import loaded_app, made_strategy
from harness.federated.flower.privacy import promise_of
from harness.federated.flower.turns import Turns
from harness.federated.rounds import RoundFailedError
from harness.federated.start import add_start
from harness.lab.feed import TaskFeed
from harness.results.tasks import TaskFolder
from harness.scenario.task import HostCall, Task

INITIAL: Final = "initial-weights"
"""Of a ServerApp's ``run_config``: the weights to begin with (.npz)."""


def train(federation: Federation, feed: TaskFeed, folder: Path) -> None:
    """Run the server to its end.

    Args:
        federation: Whose clients.
        feed: Takes the tasks.
        folder: Relative paths of the scenario start here.

    Raises:
        InputError: The server cannot be made, or sends what no phone can do.
        HarnessError: It failed, or waits for more clients than there are.
        RunOverError: The run is stopped.
    """
    log_with_us()
    add_start(federation, feed, folder)
    name = federation.model(0)
    if feed.outcomes([name])[name].state != "finished":
        feed.note("federated training ends before its first round: there is no model to start from")
        return
    start = TaskFolder(feed.folder.path, name).checkpoint_path
    own = federation.settings.strategy
    strategy = None if own.app is not None else made_strategy(own, folder)
    turns = Turns(federation, feed, start, promise_of(strategy))
    grid = PhoneGrid(federation, feed, turns, federation.settings.seed)
    try:
        arrays = _served(federation, grid, start, folder, strategy)
    except RoundFailedError as error:  # its task has failed, or was skipped: the run says so
        feed.note(f"federated training ends: {error}")
        return
    except HarnessError:
        raise
    except Exception as error:
        raise HarnessError(
            f"{federation.settings.strategy.label}: the server failed: "
            f"{type(error).__name__}: {error}"
        ) from error
    grid.close()
    if arrays is not None:
        _keep_final(federation, feed, arrays)


def _served(
    federation: Federation, grid: PhoneGrid, start: Path, folder: Path, strategy: Any
) -> Any:
    """Let the server do its work; return the last model, if it tells."""
    settings = federation.settings
    if settings.strategy.app is not None:
        app, config = loaded_app((folder / settings.strategy.app).resolve())
        config = {**config, INITIAL: str(start), **settings.strategy.arguments}
        app(grid, context(1, config))
        return None
    result = strategy.start(
        grid=grid,
        initial_arrays=record_of(start),
        num_rounds=settings.rounds,
        timeout=settings.round_limit_s,
    )
    return result.arrays if len(result.arrays) else None


def _keep_final(federation: Federation, feed: TaskFeed, arrays: Any) -> None:
    name = f"final-{federation.name}"
    sha256, _ = keep(arrays, feed.folder.path / KEPT)
    if not feed.knows(name):
        feed.add([Task(name, HostCall(HAND_OUT, {"sha256": sha256}))])
    feed.outcomes([name])
