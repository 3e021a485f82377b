"""One network in several forms, as model folders, and a scenario of them on virtual phones.

A form is how weights and moments are held while a network trains, how they are rounded, and by
which optimiser they move. Files are named as ``script/bench resident --keep`` names them, so that
benches take each other's conversions (minutes, of a large network).
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from harness.model.configuration import NetworkConfig, OptimiserName, Resident, Rounding
from harness.model.convert import convert
from harness.model.folder import today, versions, write_checkpoint, write_manifest
from harness.model.initial import Weights
from harness.results.model import AttemptResult
from harness.results.store import RunFolder
from harness.trainer.manifest import FILE_NAME, Provenance, describe_file

HARNESS = str(Path(sys.executable).with_name("harness"))


@dataclass(frozen=True)
class Form:
    """How a network trains. All recompute and clip by layers, float32 too: so they differ by this
    and by nothing else."""

    resident: Resident
    optimiser: OptimiserName
    rounding: Rounding = "stochastic"

    @property
    def label(self) -> str:
        """The form in a name of a file or folder."""
        rounding = "-nearest" if self.rounding == "nearest" else ""
        return f"{self.resident}-{self.optimiser}{rounding}"

    def of(self, config: NetworkConfig) -> NetworkConfig:
        """Return a network in this form."""
        changes: dict[str, Any] = {"resident": self.resident, "rounding": self.rounding}
        return replace(config, optimiser=self.optimiser, clip="layer", recompute=True, **changes)


def converted(config: NetworkConfig, form: Form, sub_models: Collection[str], folder: Path) -> Path:
    """Return the flatbuffer of a network in a form, made if it does not lie in a folder."""
    file = folder / f"{config.name}-b{config.batch_size}-{form.label}.tflite"
    if not file.exists():
        convert(form.of(config), file, embed=False, sub_models=sub_models)
    return file


def model_folder(
    config: NetworkConfig,
    form: Form,
    sub_models: Collection[str],
    folder: Path,
    weights: Weights,
) -> Path:
    """Return a model folder of a network in a form, made and measured if it is not there.

    Args:
        config: The network, with its batch size.
        form: How it trains.
        sub_models: Those that its file trains.
        folder: Where files and model folders of forms lie.
        weights: That it begins with.
    """
    made = folder / f"{config.name}-{form.label}"
    if (made / FILE_NAME).exists():
        return made
    made.mkdir(exist_ok=True)
    file = made / "model.tflite"
    shutil.copyfile(converted(config, form, sub_models, folder), file)
    write_manifest(
        replace(form.of(config), name=made.name),
        made,
        {config.batch_size: describe_file(file)},
        checkpoint=write_checkpoint(weights, made),
        provenance=Provenance(command="script/bench", date=today(), versions=versions()),
        learning_rate=1e-3,
        sub_models=sub_models,
    )
    return made


def on_phones(scenario: Mapping[str, Any], folder: Path, farm: str) -> dict[str, AttemptResult]:
    """Run a scenario on virtual phones, with a report; job -> result of its last attempt.

    Args:
        scenario: Its fields.
        folder: Of the scenario, and of profiles of its own (``device_profiles``).
        farm: As ``harness run --farm`` takes it.

    Raises:
        SystemExit: The run did not come so far as to try its jobs.
    """
    names = (f"run-{number}" for number in itertools.count(1))
    run = next(name for name in names if not (folder / name).exists())
    file = folder / f"{scenario['name']}.yaml"
    file.write_text(yaml.safe_dump(dict(scenario), sort_keys=False))
    command = [HARNESS, "run", file.name, "--farm", farm]
    command += ["--runs", str(folder), "--name", run]
    # 1: a phone of little memory may end a training; that is a result too
    done = subprocess.run(command, cwd=folder, stdout=sys.stderr, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}")
    attempts = RunFolder.open(folder / run).attempts()
    return {attempt.job_id: attempt.result() for attempt in attempts}
