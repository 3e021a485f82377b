"""Federated Pruning without phones: what clients get, and what becomes of the server's model."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from harness.errors import InputError
from harness.federated import check_pruning, federated_program
from harness.federated.pruning.layers import matrices_of, matrix_layers
from harness.federated.pruning.network import NETWORK
from harness.lab.scheduling import host_tasks
from harness.model.conformer.configuration import MINI as CONFORMER
from harness.results.federated import models_of
from harness.results.tasks import TaskFolder
from harness.scenario import expand_jobs
from harness.scenario.client_jobs import model_task
from harness.scenario.pruning import Pruning
from harness.trainer.checkpoints import write_weights
from harness.trainer.flatfile import weight_shapes
from harness.trainer.npz import opened_weights
from tests.fixtures.fake_feed import FakeFeed, HostDiedError
from tests.fixtures.federated import write_scenario


@pytest.fixture(autouse=True)
def _no_export(monkeypatch):
    """Networks are not made: the fake phones train whatever weights they are sent."""
    monkeypatch.setitem(host_tasks._functions, NETWORK, lambda context, arguments: dict(arguments))


def run(folder, pruning, *overrides, rounds=2, more="", into="run", **fates):
    text = f"federated: {{rounds: {rounds}, evaluate_every: 9, pruning: {pruning}{more}}}"
    loaded = write_scenario(folder, text, *overrides)
    feed = FakeFeed(folder / into, loaded, **fates)
    federated_program(folder)(feed)
    return feed


def weights(feed, task):
    folder = TaskFolder(feed.folder.path, task).path
    with opened_weights(folder / "checkpoint.npz") as stored:
        return {name: stored.read(name) for name in stored.shapes}


def model(feed, round_):
    name = models_of(feed.folder.path)[0].federation
    return weights(feed, model_task(name, round_))


def sent(feed, round_):
    name = models_of(feed.folder.path)[0].federation
    return weights(feed, f"pruned-{name}-{round_:03d}")


def records(feed):
    return [m.pruning for m in models_of(feed.folder.path) if m.round]


def test_clients_get_a_smaller_network_and_the_server_keeps_the_rest(tmp_path):
    feed = run(tmp_path, "0.5", rounds=1)
    assert not feed.notes
    (record,) = records(feed)
    assert record.units == {
        **{f"BLSTM{n}": (8, 16) for n in range(1, 5)},
        "FC1": (16, 32),
    }
    small, before, after = sent(feed, 1), model(feed, 0), model(feed, 1)
    assert small["blstm2_recurrent"].shape == (2, 8, 32)
    assert record.parameters == sum(value.size for value in small.values())
    assert record.parameters_whole == sum(value.size for value in before.values())
    assert record.sent_bytes < record.whole_bytes / 2
    for name, value in before.items():
        changed = (after[name] != value).sum()
        assert changed == small[name].size, name
    # what is evaluated is the part that was trained
    jobs = [task for task in feed.tasks() if task.kind == "phone"]
    heard = [task for task in jobs if task.job.client.role == "evaluate"]
    (parent,) = heard[0].parents
    assert {n: v.shape for n, v in weights(feed, parent).items()} == {
        n: v.shape for n, v in small.items()
    }
    folders = {task.job.content.model.path for task in jobs if task.job.client.round}
    assert len(folders) == 1
    assert "network-" in folders.pop()


def test_what_goes_out_of_a_smaller_network_travels_in_fewer_bits(tmp_path):
    more = ", compression: S1E3M7"
    feed = run(tmp_path, "0.5", rounds=2, more=more)
    assert not feed.notes
    jobs = {task.task_id: task for task in feed.tasks()}
    for answer in (a for m in models_of(feed.folder.path) if m.round for a in m.answers):
        (parent,) = jobs[answer.job_id].parents
        folder = TaskFolder(feed.folder.path, parent)
        assert answer.sent_bytes == folder.checkpoint_path.stat().st_size
        with opened_weights(folder.checkpoint_path) as stored:
            assert stored.packed("blstm2_recurrent").shape == (2, 8, 32)
        assert answer.sent_bytes < 0.8 * records(feed)[0].sent_bytes
        assert answer.written.changed > 0.9
    # a client goes from what it was sent, and so does the server's own float32
    before, after = model(feed, 0), model(feed, 1)
    kept = sent(feed, 1)
    for name, value in before.items():
        moved = after[name] != value
        assert 0 < moved.sum() <= kept[name].size, name
        assert (after[name] - value)[moved].mean() == pytest.approx(0.1, rel=0.1), name
    heard = [t for t in jobs.values() if t.kind == "phone" and t.job.client.role == "evaluate"]
    (parent,) = heard[0].parents
    with opened_weights(TaskFolder(feed.folder.path, parent).checkpoint_path) as stored:
        assert stored.packed("blstm2_recurrent").shape == (2, 8, 32)


def test_zeros_of_a_masked_network_are_deflated_and_not_packed(tmp_path):
    with pytest.raises(InputError, match="compression goes with a smaller network"):
        run(tmp_path, "{level: 0.5, masked: true}", more=", compression: S1E3M7")


def test_one_network_serves_all_rounds_of_equal_sizes(tmp_path):
    feed = run(tmp_path, "{level: 0.5, schedule: stepped, rise: 2}", rounds=4)
    names = [task.task_id for task in feed.tasks() if task.task_id.startswith("network-")]
    assert len(names) == 2
    assert [(r.level, r.phase) for r in records(feed)] == [
        (0.25, "prune"),
        (0.5, "refine"),
        (0.5, "refine"),
        (0.5, "refine"),
    ]


def test_while_the_level_stays_an_adaptive_density_needs_no_other_network(tmp_path):
    # without, what trains gets larger weights and so more units in the next round
    pruning = "{level: 0.5, density: clip_redistribute}"
    feed = run(tmp_path, pruning, rounds=4)
    assert len({tuple(record.units.items()) for record in records(feed)}) == 1
    assert len(set(records(feed)[0].units.values())) > 2
    names = [task.task_id for task in feed.tasks() if task.task_id.startswith("network-")]
    assert len(names) == 1


@pytest.mark.parametrize("strategy", ["fedavg", "fedadam"])
def test_nothing_left_out_is_training_as_without(tmp_path, strategy):
    more = f", strategy: {strategy}"
    plain = FakeFeed(
        tmp_path / "plain",
        write_scenario(tmp_path, f"federated: {{rounds: 2, evaluate_every: 9{more}}}"),
    )
    federated_program(tmp_path)(plain)
    pruned = run(tmp_path, "0", more=more)
    assert all(kept == of for kept, of in records(pruned)[0].units.values())
    assert not any(task.task_id.startswith("network-") for task in pruned.tasks())
    ours, theirs = (models_of(feed.folder.path) for feed in (pruned, plain))
    assert [m.sha256 for m in ours] == [m.sha256 for m in theirs]


def test_the_optimiser_remembers_what_was_left_out(tmp_path):
    feed = run(tmp_path, "{level: 0.5, score: product}", rounds=2, more=", strategy: fedadam")
    name = models_of(feed.folder.path)[0].federation
    folder = TaskFolder(feed.folder.path, model_task(name, 2)).path
    with opened_weights(folder / "moments.npz") as moments:
        assert moments.shapes["m.blstm1_input"] == model(feed, 0)["blstm1_input"].shape
        first = moments.read_as("m.blstm1_input", np.float64)
    with opened_weights(folder / "momentum.npz") as stored:
        momentum = stored.read_as("blstm1_input", np.float64)
    assert (momentum >= 0).all()
    np.testing.assert_array_equal(momentum > 0, first != 0)
    assert 0 < (momentum > 0).mean() < 1


def test_without_refinement_what_is_left_out_is_zero_for_ever(tmp_path):
    feed = run(tmp_path, "{level: 0.5, refinement: false}", rounds=3)
    assert [record.regrown for record in records(feed)] == [0, 0, 0]
    dead = [model(feed, r)["blstm2_input"] == 0 for r in (1, 3)]
    np.testing.assert_array_equal(*dead)
    assert 0.7 < dead[0].mean() < 0.8  # three quarters: half of the rows, half of the columns


def test_with_refinement_units_grow_back_until_masks_are_frozen(tmp_path):
    # clients push every weight that they have up by 0.1: it gets smaller where it was negative
    rng = np.random.default_rng(3)
    path = Path(__file__).parents[3] / "models" / "ds2-tiny" / "ds2-tiny-b2.tflite"
    shapes = weight_shapes(path)
    write_weights(
        tmp_path / "negative.npz",
        [(n, rng.uniform(-0.3, -0.15, s).astype(np.float32)) for n, s in shapes.items()],
    )
    start = "model={name: ds2-tiny, checkpoint: negative.npz}"
    feed = run(tmp_path, "{level: 0.5, refine_rounds: 3}", start, rounds=5)
    back = [record.regrown for record in records(feed)]
    assert sum(back[:3]) > 0
    assert back[3:] == [0, 0]
    assert [record.phase for record in records(feed)] == ["refine"] * 3 + ["fine_tune"] * 2


PATTERNS = ["input_unit", "half_input_unit", "output_unit", "half_output_unit"]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_rows_and_columns_are_masks_and_save_bytes_only(tmp_path, pattern):
    feed = run(tmp_path, f"{{level: 0.5, pattern: {pattern}, masked: true}}", rounds=2)
    record = records(feed)[0]
    assert record.masked
    before, after, out = model(feed, 0), model(feed, 1), sent(feed, 1)
    for name, value in out.items():
        assert value.shape == before[name].shape
        gone = (value == 0) & (before[name] != 0)
        np.testing.assert_array_equal(after[name][gone], before[name][gone])
        is_matrix = value.ndim > 1 and min(value.shape[-2:]) > 1 and not name.startswith("fc2")
        assert gone.mean() == pytest.approx(0.5 if is_matrix else 0, abs=0.26)
    assert record.sent_bytes < 0.75 * record.whole_bytes
    zeros = sum(int(((out[n] == 0) & (before[n] != 0)).sum()) for n in out)
    assert record.parameters == record.parameters_whole - zeros
    assert len(sent(feed, 2)) == len(out)


def test_cells_may_be_masked_too(tmp_path):
    dense = run(tmp_path, "0.5", rounds=1, into="dense")
    masked = run(tmp_path, "{level: 0.5, masked: true}", rounds=1, into="masked")
    assert records(masked)[0].parameters == records(dense)[0].parameters
    assert sent(masked, 1)["fc1_kernel"].shape == model(masked, 0)["fc1_kernel"].shape
    assert not any(task.task_id.startswith("network-") for task in masked.tasks())


def test_a_run_whose_host_died_comes_to_the_same_bits(tmp_path):
    pruning = "{level: 0.5, schedule: stepped, rise: 2, score: momentum}"
    whole = run(tmp_path, pruning, rounds=3, into="whole")
    for dies in (4, 7):
        with pytest.raises(HostDiedError):
            run(tmp_path, pruning, rounds=3, into=f"killed-{dies}", dies_after=dies)
        again = run(tmp_path, pruning, rounds=3, into=f"killed-{dies}")
        assert [m.sha256 for m in models_of(again.folder.path)] == [
            m.sha256 for m in models_of(whole.folder.path)
        ]


def test_training_ends_with_the_reason_if_no_network_can_be_made(tmp_path, monkeypatch):
    def fails(context, arguments):
        raise RuntimeError("no room")

    monkeypatch.setitem(host_tasks._functions, NETWORK, fails)
    feed = run(tmp_path, "0.5")
    assert feed.notes == ["federated training ends in round 1: RuntimeError: no room"]


# -- before a phone is touched --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pruning", "words"),
    [
        ("1.0", "less than 1"),
        ("-0.1", "greater than or equal to 0"),
        ("{level: .nan}", "finite"),
        ("{level: 0.5, pattern: row}", "'cell', 'input_unit'"),
        ("{level: 0.5, pattern: half_output_unit}", "leaves no smaller dense network"),
        ("{level: 0.5, halves: joint}", "for half rows and columns"),
        ("{level: 0.5, rise: 2}", "for schedule: stepped and cubic"),
        ("{level: 0.5, schedule: cubic, rise: 2, steps: 2}", "for schedule: stepped"),
        ("{level: 0.5, schedule: stepped, rise: 2, steps: 3}", "3 steps need 3 rounds"),
        ("{level: 0.5, schedule: cubic, rise: 2}", "not reached in 2 rounds"),
        ("{level: 0.5, density: by_size}", "'uniform', 'printed'"),
        ("true", "fields are meant here"),
    ],
)
def test_settings_that_cannot_be(tmp_path, pruning, words):
    with pytest.raises(InputError, match=words):
        write_scenario(tmp_path, f"federated: {{rounds: 2, pruning: {pruning}}}")


def checked(folder, pruning, **more):
    loaded = write_scenario(folder, f"federated: {{pruning: {pruning}}}", **more)
    for job in expand_jobs(loaded):
        check_pruning(job.content, folder)


def test_layers_that_have_no_units(tmp_path):
    checked(tmp_path, "{level: 0.5, layers: [CONV3, BLSTM1]}")
    with pytest.raises(InputError, match="no units of 'FC2'") as raised:
        checked(tmp_path, "{level: 0.5, layers: [BLSTM1, FC2]}")
    assert raised.value.where == "federated.pruning.layers"
    checked(tmp_path, "{level: 0.5, layers: [FC2], masked: true, pattern: input_unit}")
    with pytest.raises(InputError, match="no units of 'FC3'"):
        checked(tmp_path, "{level: 0.5, layers: [FC3], masked: true, pattern: input_unit}")


def test_flower_does_not_prune(tmp_path):
    with pytest.raises(InputError, match="pruning is for the harness's own strategies"):
        write_scenario(tmp_path, "federated: {strategy: {flower: FedAvg}, pruning: 0.5}")


def test_a_network_of_ones_own_is_named(tmp_path):
    (tmp_path / "other.yaml").write_text("base: ds2-tiny\nhidden: 8\n")
    (tmp_path / "same.yaml").write_text("base: ds2-tiny\n")
    checked(tmp_path, "{level: 0.5, network: same.yaml}")
    with pytest.raises(InputError, match=r"was not built from other.yaml"):
        checked(tmp_path, "{level: 0.5, network: other.yaml}")


def test_without_tensorflow_only_masks(tmp_path, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "tensorflow" else real(name)
    )
    with pytest.raises(InputError, match="tensorflow, which is not installed"):
        checked(tmp_path, "0.5")
    checked(tmp_path, "{level: 0.5, masked: true}")


def test_of_a_conformer_neither_heads_nor_taps_are_matrices_to_prune():
    pruning = Pruning(level=0.5, pattern="output_unit", masked=True)
    specs = CONFORMER.layer_specs()
    shapes = {s.full_name(n): weight.shape for s in specs for n, weight in s.weights.items()}
    layers = matrix_layers(pruning, CONFORMER.describe())
    assert layers == ("Front", *(f"L{n}" for n in range(1, CONFORMER.layers + 1)))
    names = matrices_of(layers, shapes)
    assert {name.split("_", 1)[1] for name in names if name.startswith("l1_")} == {
        "before_in", "before_out", "attention_in", "attention_out",
        "convolution_in", "convolution_out", "after_in", "after_out",
    }  # fmt: skip
