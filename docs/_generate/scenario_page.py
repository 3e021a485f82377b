"""The scenario reference, from the schema that checks scenario files."""

from __future__ import annotations

from pydantic import BaseModel

from docs._generate.fields import default_words, rows, table
from harness.devices.gates import Gates, preset
from harness.scenario import compression, exits, federated, others, pruning, report, schema, stored
from harness.scenario.demands import Demands
from harness.scenario.phone_settings import PhoneSettings

SECTIONS: tuple[tuple[str, type[BaseModel], str], ...] = (
    ("", schema.Scenario, ""),
    ("model", schema.ModelChoice, ""),
    ("data", schema.Data, "More: [speech](../speech.md)."),
    ("data.part", federated.Part, "`federated.clients` makes these."),
    ("also_evaluate", others.AlsoEvaluate, "A list of names alone is its `speakers`."),
    ("trainer", schema.Trainer, ""),
    (
        "trainer.exits",
        exits.Exits,
        "A word alone is its `rule`. More: [early exits](../early_exits.md).",
    ),
    ("trainer.streaming", schema.Streaming, ""),
    (
        "trainer.stored",
        stored.Stored,
        "A word alone is its `format`. More: [weights in fewer bits](../compression.md).",
    ),
    ("trainer.stop", schema.Stop, ""),
    ("federated", federated.Federated, "More: [federated training](../federated.md)."),
    ("federated.clients", federated.Clients, ""),
    ("federated.strategy", federated.Strategy, "A word alone is its `name`."),
    ("federated.privacy", federated.Privacy, ""),
    (
        "federated.compression",
        compression.Compression,
        "A word alone is its `format`. More: [weights in fewer bits](../compression.md).",
    ),
    (
        "federated.pruning",
        pruning.Pruning,
        "A number alone is its `level`. More: [Federated Pruning](../pruning.md).",
    ),
    ("phones", Demands, "More: [a matrix](../matrix.md)."),
    ("pressure", schema.Pressure, ""),
    ("gates", Gates, "What each preset demands and why: [gates and settings](../gates.md)."),
    ("settings", PhoneSettings, "What each changes: [gates and settings](../gates.md)."),
    ("sampling", schema.Sampling, "More: [sampling](../sampling.md)."),
    ("limits", schema.Limits, "All in seconds."),
    ("retry", schema.Retry, "How often an attempt is begun again after each kind of failure."),
    ("expect", schema.Expect, "A list of these."),
    ("report", report.Report, "More: [metrics](../metrics.md)."),
    ("report.rare_words", report.RareWords, ""),
    ("reproduces", schema.Reproduces, ""),
    (
        "order",
        schema.Shuffled,
        "`as-written`, `fewest-pushes`, `fewest-cool-downs`, or one of these.",
    ),
)
"""Where each section stands in a file, its model, and what to say of it."""

EXAMPLES: dict[str, str] = {
    "name": "nightly-accents",
    "title": "Two accents on every phone",
    "repeats": "3",
    "rounds": "2",
    "order": "fewest-pushes",
    "model": "ds2-mini",
    "baseline": "voices",
    "baselines": "{voices: ds2-mini, people: ds2-mini-people}",
    "data": "{speaker: uk-male}",
    "also_evaluate": "[uk-female, ind-male]",
    "also_evaluate.corpus": "people",
    "also_evaluate.manifest": "others",
    "also_evaluate.speakers": "[uk-female, ind-male]",
    "also_evaluate.validation": "8",
    "trainer": "{epochs: 4}",
    "phones": "{profile: oneplus-7t}",
    "pressure": "{fits: S5}",
    "gates": "strict",
    "settings": "{unplugged: true}",
    "sampling": "{period_s: 0.5}",
    "limits": "{gate_s: 60}",
    "retry": "{lost_phone: 3}",
    "report": "{characters: true}",
    "expect": "[{metric: wer_percent, falls_over: epoch}]",
    "matrix": "{trainer.batch_size: [1, 5]}",
    "reproduces": "{paper: mobileasr, table: 3}",
    "model.name": "ds2-mini",
    "model.arch": "ds2",
    "model.size": "mini",
    "model.path": "mine",
    "model.checkpoint": "anna.npz",
    "data.part": "{speakers: [us-male, uk-male], of: 4, number: 1}",
    "data.part.speakers": "[us-male, uk-male]",
    "data.part.by": "dirichlet",
    "data.part.of": "4",
    "data.part.number": "2",
    "data.part.alpha": "0.3",
    "data.part.seed": "1",
    "federated": "{rounds: 8}",
    "federated.clients": "{by: iid, count: 10}",
    "federated.clients.by": "accent",
    "federated.clients.speakers": "[us-male, uk-male]",
    "federated.clients.count": "10",
    "federated.clients.alpha": "0.3",
    "federated.clients.seed": "1",
    "federated.rounds": "8",
    "federated.clients_per_round": "3",
    "federated.fraction": "0.5",
    "federated.local_epochs": "2",
    "federated.local_steps": "20",
    "federated.strategy": "fedadam",
    "federated.strategy.name": "fedprox",
    "federated.strategy.flower": "FedAvgM",
    "federated.strategy.path": "mine.py:make",
    "federated.strategy.app": "my_app",
    "federated.strategy.replace_start": "true",
    "federated.strategy.arguments": "{server_momentum: 0.9}",
    "federated.strategy.momentum": "0.5",
    "federated.strategy.beta_1": "0.8",
    "federated.strategy.beta_2": "0.999",
    "federated.strategy.tau": "0.01",
    "federated.strategy.mu": "0.1",
    "federated.strategy.trim": "0.1",
    "federated.server_learning_rate": "0.5",
    "federated.weighting": "equal",
    "federated.missing": "unchanged",
    "federated.min_answers": "2",
    "federated.round_limit_s": "3600",
    "federated.evaluate_every": "2",
    "federated.stop_patience": "3",
    "federated.hypotheses": "true",
    "federated.compression": "S1E3M7",
    "federated.compression.format": "int8",
    "federated.compression.ways": "down",
    "federated.compression.upload": "weights",
    "federated.compression.variant": "as_printed",
    "federated.compression.kind": "ieee",
    "federated.compression.exponent": "conventional",
    "federated.compression.rounding": "nearest_even",
    "federated.compression.subnormals": "false",
    "federated.compression.transform": "true",
    "federated.compression.per": "column",
    "federated.compression.variables": "all",
    "federated.compression.share": "0.9",
    "federated.compression.seed": "1",
    "federated.privacy": "{clip: 1.0, noise: 1.0}",
    "federated.privacy.clip": "0.5",
    "federated.privacy.noise": "2.0",
    "federated.privacy.delta": "1.0e-6",
    "federated.privacy.seed": "7",
    "federated.pruning": "0.25",
    "federated.pruning.level": "0.5",
    "federated.pruning.pattern": "half_output_unit",
    "federated.pruning.halves": "joint",
    "federated.pruning.masked": "true",
    "federated.pruning.score": "product",
    "federated.pruning.density": "by_parameters",
    "federated.pruning.schedule": "cubic",
    "federated.pruning.rise": "3",
    "federated.pruning.steps": "2",
    "federated.pruning.refine_rounds": "2",
    "federated.pruning.refinement": "false",
    "federated.pruning.layers": "[BLSTM1, FC1]",
    "federated.pruning.network": "mine.yaml",
    "federated.seed": "1",
    "data.corpus": "accents",
    "data.manifest": "corpus",
    "data.speaker": "ind-female",
    "data.train": "60",
    "data.validation": "20",
    "data.style": "full",
    "data.seed": "1",
    "data.accents": "folded",
    "trainer.mode": "evaluate",
    "trainer.streaming": "{beam: 1}",
    "trainer.streaming.beam": "4",
    "trainer.stored": "S1E3M7",
    "trainer.stored.format": "S1E3M7",
    "trainer.stored.kind": "ieee",
    "trainer.stored.exponent": "conventional",
    "trainer.stored.rounding": "stochastic",
    "trainer.stored.subnormals": "false",
    "trainer.stored.transform": "true",
    "trainer.stored.per": "column",
    "trainer.stored.variables": "all",
    "trainer.stored.share": "0.9",
    "trainer.stored.seed": "7",
    "trainer.exits": "agreement",
    "trainer.exits.rule": "agreement",
    "trainer.exits.exit": "exit2",
    "trainer.exits.threshold": "0.1",
    "trainer.exits.entropy": "normalised",
    "trainer.exits.frames": "non_blank",
    "trainer.exits.n_best": "5",
    "trainer.exits.beam": "300",
    "trainer.exits.answers": "all",
    "trainer.exits.decoder": "attention",
    "trainer.optimizer": "adam",
    "trainer.batch_size": "10",
    "trainer.learning_rate": "5.0e-4",
    "trainer.epochs": "4",
    "trainer.seed": "1",
    "trainer.threads": "4",
    "trainer.stop": "{patience: 3}",
    "trainer.keep": "last",
    "trainer.sub_model": "S5",
    "trainer.candidates": "[S1, S2, S5, S8]",
    "trainer.memory_model": "as_printed",
    "trainer.stop.policy": "as_printed",
    "trainer.stop.patience": "3",
    "trainer.stop.battery_below_percent": "15",
    "trainer.stop.available_below_mb": "4",
    "phones.profile": "[oneplus-7t, pixel-4]",
    "phones.serial": "[R58M1, R58M2]",
    "phones.ram_mb": '">= 6000"',
    "phones.soc": '"Snapdragon 8*"',
    "phones.android": '">= 10, < 13"',
    "phones.sdk": '">= 29"',
    "phones.abi": "arm64-v8a",
    "phones.origin": "device",
    "phones.tags": "[lab-2]",
    "phones.count": "3",
    "phones.each": "true",
    "pressure.available_mb": "1700",
    "pressure.fits": "S5",
    "pressure.by": "[ballast, apps]",
    "pressure.apps": "[com.android.chrome]",
    "pressure.tolerance_mb": "20",
    "gates.booted": "true",
    "gates.trainer": "true",
    "gates.trainer_version": '"1.*"',
    "gates.idle": "true",
    "gates.battery_percent_min": "50",
    "gates.battery_measured": "true",
    "gates.unlocked": "true",
    "gates.charging": "true",
    "gates.battery_c_max": "38",
    "gates.thermal_status_max": "0",
    "gates.free_storage_mb_min": "2048",
    "gates.available_mb_min": "1500",
    "gates.available_percent_of_idle_min": "85",
    "gates.power_save": "false",
    "gates.screen_on": "true",
    "gates.doze": "false",
    "gates.clock_off_s_max": "10",
    "gates.mode": "skip",
    "gates.poll_s": "10",
    "gates.limits_s": "{battery_percent_min: 3600}",
    "settings.stay_awake": "required",
    "settings.unplugged": "true",
    "settings.allow_background": "false",
    "sampling.period_s": "0.2",
    "limits.gate_s": "3600",
    "limits.provision_s": "1800",
    "limits.pressure_s": "300",
    "limits.start_s": "120",
    "limits.stall_s": "1800",
    "limits.train_s": "43200",
    "limits.lost_s": "300",
    "limits.collect_s": "600",
    "retry.lost_phone": "3",
    "retry.gate_timed_out": "1",
    "retry.provision_failed": "2",
    "retry.pressure_unreachable": "1",
    "retry.trainer_crashed": "1",
    "retry.trainer_killed": "1",
    "retry.trainer_ended": "1",
    "retry.trainer_stalled": "2",
    "retry.score_mismatch": "1",
    "expect.metric": "wer_percent",
    "expect.falls_over": "epoch",
    "expect.rises_over": "trainer.sub_model",
    "expect.below": "30",
    "expect.above": "0",
    "report.rare_words": "{max_count: 0}",
    "report.characters": "true",
    "report.costs": "4/3/3",
    "report.baseline": "before",
    "report.average": "mean_of_ratios",
    "report.loss": "20",
    "report.rare_words.vocabulary_rank": "5000",
    "report.rare_words.max_count": "2",
    "report.rare_words.words": "librispeech.tsv",
    "report.rare_words.listed": "per_utterance",
    "reproduces.paper": "mobileasr",
    "reproduces.table": "3",
    "reproduces.figure": "4",
    "order.shuffled": "7",
}
"""Path of a field -> a value of it as a file would have it; each is tried by a test."""

_HEAD = """\
# Scenario reference

A scenario is one YAML file. Only `name` and `model` must stand in it; all else has a default, most
of them the paper's. A wrong word is told with file, line and field before a phone is touched.

```yaml
name: table-like
model: ds2-mini
data: {speaker: uk-female}
trainer: {learning_rate: 5.0e-4, epochs: 4, stop: {available_below_mb: 4}}
phones: {profile: oneplus-7t}
matrix:
  data.speaker: [uk-female, ind-male]
  pressure.fits: [S1, S5, S8]
repeats: 3
```

One dotted path names a field everywhere: in the [matrix](../matrix.md), in
`--set trainer.epochs=3`, in `--only pressure.fits=S5`, and as an axis of the report. Sizes named
`_mb` are MiB, times named `_s` are seconds; a number with no unit in its name is a count. Paths of
files are relative to the scenario's folder.

This page is made from the schema when the site is built. Editors get the same as JSON schema, by
`harness scenario schema`.
"""


def page() -> str:
    """Return the page in Markdown."""
    links = {model.__name__: f"#{_anchor(path)}" for path, model, _ in SECTIONS if path}
    parts = [_HEAD]
    for path, model, more in SECTIONS:
        parts.append(f"## {path or 'The file'} {{ #{_anchor(path)} }}\n")
        if more:
            parts.append(f"{more}\n")
        parts.append(_table(path, model, links) + "\n")
    return "\n".join(parts)


def _anchor(path: str) -> str:
    return path.replace(".", "-") or "file"


def _table(path: str, model: type[BaseModel], links: dict[str, str]) -> str:
    lines: list[tuple[str, ...]] = []
    for row in rows(model, links):
        whole = f"{path}.{row.name}" if path else row.name
        kind = f"[section](#{_anchor(whole)})" if _is_section(whole) else row.type
        limits = f"; {row.limits}" if row.limits else ""
        lines.append(
            (
                f"`{row.name}`",
                kind + limits,
                row.default,
                row.meaning,
                f"`{EXAMPLES.get(whole, '')}`",
            )
        )
    if model is Gates:
        strict = preset("strict").model_dump().values()
        lines = [
            (*line[:3], default_words(value), *line[3:])
            for line, value in zip(lines, strict, strict=True)
        ]
        return table(("field", "type", "`lab`", "`strict`", "meaning", "example"), lines)
    return table(("field", "type", "default", "meaning", "example"), lines)


def _is_section(path: str) -> bool:
    return any(path == other for other, _, _ in SECTIONS)
