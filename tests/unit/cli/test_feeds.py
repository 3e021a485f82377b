"""What adds the rounds of a scenario, and what has to be there for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.feeds import feed_of
from harness.errors import InputError
from tests.fixtures.federated import write_scenario


def test_only_the_servers_of_trainings_that_are_run_have_to_be_there(tmp_path: Path) -> None:
    text = """\
        federated: {rounds: 1}
        matrix: {federated.strategy: [fedavg, {app: nowhere}]}
        """
    loaded = write_scenario(tmp_path, text)
    with pytest.raises(InputError, match=r"federated\.strategy"):
        feed_of(loaded)
    assert feed_of(loaded, ["federated.strategy.name=fedavg"]) is not None
