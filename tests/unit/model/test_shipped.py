"""The shipped flatbuffers: builtin operators only, the agreed signatures (no tensorflow)."""

import functools
import json
import shutil
from dataclasses import replace

import pytest
from ai_edge_litert import schema_py_generated as schema

from harness.contract import streaming
from harness.contract.mobileasr import FAMILY
from harness.errors import InputError
from harness.model.config_file import load_network
from harness.model.configuration import steps_per_block, sub_model_parameters
from harness.model.families import CONFIGS
from harness.model.inspection import inspect
from harness.model.listen import LISTENED, listen
from harness.model.strip import strip
from harness.paths import data_root
from harness.speech import build_corpus
from harness.trainer.manifest import check_files, load_manifest
from harness.trainer.runtime import FlatbufferModel

FILES = sorted((data_root() / "models").glob("*/*.tflite"))
FOLDERS = sorted(p.parent for p in (data_root() / "models").glob("*/manifest.json"))
SIGNATURES = {
    "features",
    "get_weights",
    "infer",
    "info",
    "loss",
    "reset_optimizer",
    "set_weights",
}


def config_of(path):
    """Sizes that a shipped file was made with: by its network, since several may share one."""
    own = path.parent.with_suffix(".yaml")
    if own.is_file():
        return load_network(own)
    network = load_manifest(path.parent).network
    return next(config for config in CONFIGS.values() if config.describe() == network)


def described(path):
    """The network as a shipped file has it: some train a part of the sub-models only."""
    manifest = load_manifest(path.parent)
    return config_of(path).describe(list(manifest.parameters))


look = functools.cache(inspect)  # unpacking a file takes seconds
files = pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
suffixes = pytest.mark.parametrize(
    "path",
    [
        path
        for path in FILES
        if config_of(path).family == FAMILY
        and described(path) == config_of(path).describe()
        and not config_of(path).exits()
    ],
    ids=lambda p: p.name,
)


def test_there_are_some():
    assert any("tiny" in p.name for p in FILES)


@files
def test_builtin_operators_only(path):
    inspection = look(path)
    assert inspection.custom_operators == ()
    assert {"IF", "BATCH_MATMUL", "ASSIGN_VARIABLE"} <= set(inspection.operators)
    convolves = config_of(path).family not in streaming.FAMILIES
    assert bool({"CONV_2D", "DEPTHWISE_CONV_2D"} & set(inspection.operators)) == convolves
    # StableHLO operators are builtin by number, but old runtimes do not have them.
    assert not [name for name in inspection.operators if name.startswith("STABLEHLO")]
    assert len(inspection.operators) < 60


@files
def test_data_are_aligned(path):
    assert look(path).misaligned_buffers == 0


@files
def test_no_branch_returns_a_tensor_twice(path):
    """LiteRT's IF would hand on one of them, and for the other what lay in memory."""
    model = schema.Model.GetRootAs(path.read_bytes(), 0)
    signatures = {
        model.SignatureDefs(n).SubgraphIndex() for n in range(model.SignatureDefsLength())
    }
    for n in set(range(model.SubgraphsLength())) - signatures:
        outputs = model.Subgraphs(n).OutputsAsNumpy()
        assert len(set(outputs)) == len(outputs), n


@files
def test_signatures(path):
    config = config_of(path)
    listings = look(path).signatures
    network = described(path)
    assert network.optimiser == config.optimiser
    trained = {
        sub_model.name: "train" if sub_model.switch else f"train_{sub_model.name.lower()}"
        for sub_model in network.sub_models
    }
    exits, few_bits = network.exit_names, config.resident != "float32"
    assert set(listings) == SIGNATURES | set(trained.values()) | {
        *(f"reset_{name.lower()}" for name in trained),
        *(f"get_{layer.lower()}" for layer in network.layer_names),
        *(f"infer_{name}" for name in exits[:-1]),
        *(f"segment{number}" for number, _ in enumerate(exits, 1)),
        *(["infer_early"] if exits else []),
        *(f"set_{layer.lower()}" for layer in network.layer_names if few_bits),
        *(["seed_rounding"] if few_bits else []),
        *(streaming.SIGNATURES if config.family in streaming.FAMILIES else ()),
    }
    batch = int(path.stem.rpartition("-b")[2])
    sound = {
        "x": f"float32[{batch}, {config.max_frames}, 80]",
        "in_len": f"int32[{batch}]",
    }
    text = {"labels": f"int32[{batch}, {config.max_label}]", "lab_len": f"int32[{batch}]"}
    assert listings["infer"].inputs == sound
    assert listings["infer"].outputs == {
        "logits": f"float32[{config.output_frames}, {batch}, 28]",
        "out_len": f"int32[{batch}]",
    }
    assert listings["loss"].inputs == sound | text
    of_exits = {"by_exit": f"float32[{len(exits)}, {batch}]"} if exits else {}
    assert listings["loss"].outputs == {"loss": f"float32[{batch}]"} | of_exits
    span = dict.fromkeys(("first", "last", "heads_only"), "int32[]")
    for name in set(trained.values()):
        switch = span if name == "train" else {}
        assert listings[name].inputs == sound | text | {"lr": "float32[]"} | switch
        by_exit = {"by_exit": f"float32[{len(exits)}]"} if exits else {}
        changed = {"changed_codes": "float32[]"} if few_bits else {}
        assert listings[name].outputs == {"loss": "float32[]"} | by_exit | changed
    assert listings["get_weights"].outputs == listings["set_weights"].inputs
    by_layer = [listings[f"get_{layer.lower()}"].outputs for layer in network.layer_names]
    assert listings["get_weights"].outputs == {n: t for layer in by_layer for n, t in layer.items()}


@suffixes
def test_smaller_sub_models_do_less(path):
    listings = look(path).signatures
    config = config_of(path)
    frames = config.output_frames
    blocks = frames // steps_per_block(frames, config.unroll)
    loops = [listings[f"train_s{n}"].operators["IF"] / blocks for n in range(1, 9)]
    assert loops == [9, 9, 9, 9, 8, 7, 6, 5]  # 4 forward, CTC, and backward as far as needed
    # Three for each trained variable: the weight and its two moments.
    updates = [listings[f"train_s{n}"].operators["ASSIGN_VARIABLE"] for n in range(1, 9)]
    assert updates == sorted(updates, reverse=True)
    assert len(set(updates)) == len(updates)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: f.name)
def test_files_and_manifests_agree(folder):
    manifest = load_manifest(folder)
    for batch_size, entry in manifest.files.items():
        assert_agrees(manifest, batch_size, entry.path(folder))


def assert_agrees(manifest, batch_size, path):
    info = FlatbufferModel(path, threads=1).info
    assert info.batch_size == batch_size
    assert manifest.parameters == info.sub_model_parameters
    config = config_of(path)
    assert manifest.name.startswith(config.name)
    every = sub_model_parameters(config)
    assert manifest.parameters == {name: every[name] for name in manifest.parameters}
    assert manifest.max_audio_s == pytest.approx(info.max_audio_s)
    assert manifest.alphabet == info.alphabet
    assert manifest.network == info.network
    assert manifest.sample_rate == info.sample_rate


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: f.name)
def test_files_are_those_of_the_manifest(folder, tmp_path):
    manifest = load_manifest(folder)
    check_files(manifest, folder)
    entry = next(iter(manifest.files.values()))
    weights = manifest.checkpoint
    beside = {entry.model, None if weights is None else weights.model} - {None}
    for name in {folder.name, *beside}:
        shutil.copytree(folder.parent / name, tmp_path / name)
    changed = tmp_path / folder.name
    entry.path(changed).open("ab").write(b" ")
    with pytest.raises(InputError, match="not the one"):
        check_files(manifest, changed)


@pytest.mark.parametrize("name", ["ds2-mini", "ds2-mini-ee"])
def test_baseline_hears_what_its_manifest_says(tmp_path, name):
    """Speech made anew; one word more or less is allowed to another processor's rounding."""
    folder = data_root() / "models" / name
    manifest = load_manifest(folder)
    speakers = ("us-female", "ind-male")
    corpus = build_corpus(replace(LISTENED, speakers=speakers), tmp_path)
    model = FlatbufferModel(manifest.files[max(manifest.files)].path(folder), threads=2)
    model.load_checkpoint(manifest.checkpoint.path(folder))
    for speaker in speakers:
        utterances = corpus.select(speaker, "validation")
        word = 100 / sum(len(u.text.split()) for u in utterances)
        wer = listen(model, utterances)
        assert wer == pytest.approx(manifest.provenance.wer_percent[speaker], abs=word + 0.01)


def test_strip_drops_the_start_values_that_are_named(tiny_model_path, tmp_path):
    content = tiny_model_path.read_bytes()
    smaller = strip(content, ["blstm"])
    whole = FlatbufferModel(tiny_model_path, 1)
    counts = whole.info.layer_parameters
    weights = sum(4 * size for layer, size in counts.items() if layer.startswith("BLSTM"))
    assert len(content) - len(smaller) > 0.9 * weights
    path = tmp_path / "smaller.tflite"
    path.write_bytes(smaller)
    without = FlatbufferModel(path, 1)
    values = whole.get_weights()
    without.set_weights(values)
    assert all((v == values[n]).all() for n, v in without.get_weights().items())
    assert strip(smaller, ["blstm"]) == smaller


def test_loops_are_shared(tiny_model_path):
    inspection = look(tiny_model_path)
    loops = inspection.subgraphs - len(inspection.signatures)
    # Forward (kept for training or not), backward and CTC, each with what skips it; the start.
    assert loops == 9


def test_inspect_refuses_other_files(tmp_path):
    path = tmp_path / "x.tflite"
    path.write_text(json.dumps({"not": "a model"}))
    with pytest.raises(InputError, match="not a TensorFlow Lite"):
        inspect(path)
    with pytest.raises(InputError, match="cannot be read"):
        inspect(tmp_path / "y.tflite")
