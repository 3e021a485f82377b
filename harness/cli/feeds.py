"""The program that adds tasks to a run, where its scenario asks for one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.lab.feed import FeedProgram
from harness.lab.ledger.ledger import Ledger
from harness.lab.planning.checks import located
from harness.results.store import RunFolder
from harness.scenario import LoadedScenario, expand_jobs
from harness.scenario.client_jobs import federated_of


def feed_of(loaded: LoadedScenario, only: Sequence[str] = ()) -> FeedProgram | None:
    """Return what adds the rounds of a federated scenario; None for any other.

    Args:
        loaded: The scenario.
        only: Its filters: the server of a training that is not run need not be there.

    Raises:
        InputError: Its server cannot be made.
    """
    contents = [job.content for job in expand_jobs(loaded, only)]
    federated = [content for content in contents if content.federated is not None]
    if not federated:
        return None
    from harness.federated import check_pruning, check_server, federated_program

    with located(loaded):
        for content in federated:
            check_server(federated_of(content), loaded.folder)
            check_pruning(content, loaded.folder)
    return federated_program(loaded.folder)


def feed_of_run(folder: Path) -> FeedProgram | None:
    """Return what adds the rounds to a run that is resumed; None if it has none.

    Raises:
        InputError: It is no run folder, or its server cannot be made any more.
    """
    run = RunFolder.open(folder)
    record = run.record()
    if all(job.client is None for job in record.plan):
        return None
    from harness.federated import check_server, federated_program
    from harness.federated.clients import federations_of

    scenario_folder = Path(record.scenario_source).parent.resolve()
    with Ledger.read(run.ledger_path) as ledger:
        for federation in federations_of(ledger.tasks()):
            check_server(federation.settings, scenario_folder)
    return federated_program(scenario_folder)
