"""Apps of Flower as they are: their ServerApp on a run without phones."""

from __future__ import annotations

import textwrap

import pytest

from harness.errors import HarnessError, InputError
from harness.federated import check_server
from harness.results.federated import last_models, models_of
from tests.fixtures.flower import run, scenario

pytest.importorskip("flwr", reason="the extra [federated] is not installed")

PROJECT = """
[tool.flwr.app.components]
serverapp = "{package}.server_app:app"
clientapp = "{package}.client_app:app"

[tool.flwr.app.config]
num-server-rounds = 2
lr = 0.003
"""
HEAD = """
import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Context
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp import strategy as s

app = ServerApp()

@app.main()
def main(grid: Grid, context: Context) -> None:
"""


def write_app(folder, package, body):
    """Write an app; each test names its package, since Python imports one of a name but once."""
    code = folder / "app" / package
    code.mkdir(parents=True)
    (code / "__init__.py").touch()
    (folder / "app" / "pyproject.toml").write_text(PROJECT.format(package=package))
    (code / "server_app.py").write_text(HEAD + textwrap.indent(textwrap.dedent(body), "    "))


WITH_OUR_WEIGHTS = """
with np.load(context.run_config["initial-weights"]) as stored:
    arrays = ArrayRecord({name: Array(stored[name]) for name in stored.files})
"""


def trained(feed):
    return [t.job for t in feed.tasks() if t.kind == "phone" and t.job.client.role == "train"]


def test_an_app_as_it_is(tmp_path):
    body = (
        WITH_OUR_WEIGHTS
        + """
s.FedAvg(fraction_evaluate=0.5).start(
    grid=grid,
    initial_arrays=arrays,
    train_config=ConfigRecord({"lr": context.run_config["lr"]}),
    num_rounds=context.run_config["num-server-rounds"],
)
"""
    )
    write_app(tmp_path, "quick", body)
    feed = run(tmp_path, "{app: app}")
    assert [model.round for model in models_of(tmp_path / "run")] == [0, 1, 2]
    assert {job.content.trainer.learning_rate for job in trained(feed)} == {0.003}
    (last,) = last_models(tmp_path / "run")
    assert last.path.parent.name.startswith("sent-"), "what clients evaluated last"


def test_an_app_that_leaves_clipping_to_clients_is_refused(tmp_path):
    body = (
        WITH_OUR_WEIGHTS
        + """
own = s.DifferentialPrivacyClientSideFixedClipping(s.FedAvg(), 1.0, 1.0, 3)
own.start(grid=grid, initial_arrays=arrays, num_rounds=1)
"""
    )
    write_app(tmp_path, "clips", body)
    with pytest.raises(HarnessError, match="leaves clipping to a ClientApp"):
        run(tmp_path, "{app: app}")


# -- apps with a model of their own ---------------------------------------------------------------

OWN_MODEL = """
print("begins")
result = s.{strategy}(fraction_evaluate=0.5).start(
    grid=grid, initial_arrays=ArrayRecord([np.ones((1, 1))]), num_rounds=2
)
"""


def test_an_app_with_a_model_of_its_own_is_told_what_to_do(tmp_path):
    write_app(tmp_path, "own", OWN_MODEL.format(strategy="FedAvg"))
    with pytest.raises(InputError, match="another model than the phones train") as told:
        run(tmp_path, "{app: app}")
    assert "replace_start" in told.value.hint


def test_it_may_begin_with_the_phones_model_instead(tmp_path):
    write_app(tmp_path, "replaced", OWN_MODEL.format(strategy="FedAvg"))
    feed = run(tmp_path, "{app: app, replace_start: true}")
    run(tmp_path, "{flower: FedAvg, arguments: {fraction_evaluate: 0.5}}", into="plain")
    assert [model.round for model in models_of(tmp_path / "run")] == [0, 1, 2]
    assert len(trained(feed)) == 6
    assert len(feed.notes) == 1
    assert "begins with a model of its own" in feed.notes[0]
    (mine,), (theirs,) = last_models(tmp_path / "run"), last_models(tmp_path / "plain")
    assert mine.sha256 == theirs.sha256


def test_only_what_it_begins_with_is_replaced(tmp_path):
    body = (
        WITH_OUR_WEIGHTS
        + """
odd = ArrayRecord([np.ones((1, 1))])
class Odd(s.FedAvg):
    def aggregate_train(self, server_round, replies):
        super().aggregate_train(server_round, replies)
        return odd, None
Odd(fraction_evaluate=0.0).start(grid=grid, initial_arrays=odd, num_rounds=2)
"""
    )
    write_app(tmp_path, "odd", body)
    with pytest.raises(InputError, match="another model than the phones train"):
        run(tmp_path, "{app: app, replace_start: true}")


def test_an_app_that_needs_what_is_not_installed_is_told_before_a_run(tmp_path):
    write_app(tmp_path, "torchy", "pass")
    code = tmp_path / "app" / "torchy" / "server_app.py"
    code.write_text("import no_such_torch\n" + code.read_text())
    settings = scenario(tmp_path, "{app: app}").scenario.federated
    with pytest.raises(InputError, match="needs no_such_torch, which is not installed"):
        check_server(settings, tmp_path)


def test_replace_start_is_for_apps(tmp_path):
    with pytest.raises(InputError, match="replace_start is for an app"):
        scenario(tmp_path, "{flower: FedAvg, replace_start: true}")
