"""Does a network of few bits train where float32 does not? Peak memory on phones of 4 GB and more.

``script/bench weak_phone [--arch ds2] [--sub-model S1 S8] [--optimiser adam]
[--resident float32 f16 int8] [--available 600] [--keep FOLDER] [--json]``. Each form trains two
sentences on virtual phones: on one with RAM enough for anything, on one of 4 GB that is idle, and
on one of 4 GB whose other apps leave ``--available`` MiB, once the first sub-model, whatever it
needs, and once what the phone chooses of all. RAM and killer of such a phone are modelled, the
trainer's memory is real. Weights are random: no WER. ``--keep`` takes and leaves the files of
``script/bench resident --keep``, whose conversion takes minutes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from harness.model.config_file import network
from harness.model.initial import initial_weights
from harness.paths import data_root
from harness.results.model import AttemptResult
from tests.benchmarks.bench_resident import kept_folder
from tests.benchmarks.forms import Form, model_folder, on_phones

GIB_PER_PHONE = {"phone-4-gb": 4, "phone-16-gb": 16}
"""Profiles: name -> RAM; half of it is available when idle, as `generic` has it."""


@dataclass(frozen=True)
class Row:
    """One form on one phone."""

    resident: str
    optimiser: str
    phone: str
    """Its RAM, and what other apps leave of it, MiB."""
    asked: str
    """Sub-model, or auto."""
    chosen: str | None
    available_mb: float | None
    """When the trainer chose."""
    need_mb: float | None
    """As the model's manifest has it, of what was chosen."""
    peak_rss_mb: float | None
    """The trainer's, all of it, with Python and its libraries."""
    killed: int
    """Of the other apps, how often the phone took one for want of memory; it came back at once."""
    ended: str


def profiles(folder: Path) -> None:
    """Write the phones' profiles into ``device_profiles`` of a folder."""
    generic = yaml.safe_load((data_root() / "device_profiles" / "generic.yaml").read_text())
    (folder / "device_profiles").mkdir(exist_ok=True)
    for name, gib in GIB_PER_PHONE.items():
        sizes = {"ram_total_mb": 1024 * gib, "idle_available_mb": 512 * gib}
        model = {"ro.product.model": name, "ro.product.device": name}
        changed = {"name": name, "title": name, **sizes}
        changed["properties"] = {**generic["properties"], **model}
        changed["match"] = {"ro.product.device": name}
        file = folder / "device_profiles" / f"{name}.yaml"
        file.write_text(yaml.safe_dump({**generic, **changed}, sort_keys=False))


def settings(sub_models: list[str], available_mb: float) -> Iterator[dict[str, Any]]:
    """Yield what the jobs of each form differ by."""
    small, large = GIB_PER_PHONE
    first = {"trainer.sub_model": sub_models[0]}
    yield {"phones.profile": large, **first}
    yield {"phones.profile": small, **first}
    pressed = {"phones.profile": small, "pressure.available_mb": available_mb}
    yield {**pressed, **first}
    yield {**pressed, "trainer.sub_model": "auto"}


def measured(arguments: argparse.Namespace, folder: Path) -> list[Row]:
    """Make the forms and train them."""
    config = network(arguments.arch).with_batch(1)
    weights = initial_weights(config, 0)
    forms = [Form(r, o) for o in arguments.optimiser for r in arguments.resident]
    made = {f: model_folder(config, f, arguments.sub_model, folder, weights) for f in forms}
    profiles(folder)
    own = list(settings(arguments.sub_model, arguments.available))
    scenario = {
        "name": "weak-phone",
        "title": "Weights in few bits while training, on phones of little memory",
        "model": {"path": str(made[forms[0]])},
        "data": {"corpus": "accents", "speaker": "us-male", "train": 2, "validation": 1},
        "trainer": {
            "candidates": arguments.sub_model,
            "batch_size": 1,
            "learning_rate": 1e-4,
            "epochs": 1,
            "keep": "last",
            "stop": {"available_below_mb": 4},
        },
        "matrix": {
            "include": [{"model": {"path": str(made[f])}, **job} for f in forms for job in own]
        },
    }
    farm = "virtual:" + ",".join(f"{name}=1" for name in GIB_PER_PHONE)
    results = on_phones(scenario, folder, farm).values()
    by_job = {(result.model_name, *_key(result.axes)): result for result in results}
    rows = []
    for form in forms:
        for job in own:
            result = by_job.get((made[form].name, *_key(job)))
            if result is not None:
                rows.append(_row(form, result))
    return rows


def _key(axes: Mapping[str, Any]) -> tuple[Any, ...]:
    names = ("phones.profile", "pressure.available_mb", "trainer.sub_model")
    return tuple(axes.get(name) for name in names)


def _row(form: Form, result: AttemptResult) -> Row:
    pressed = result.axes.get("pressure.available_mb")
    chosen, gib = result.selection, GIB_PER_PHONE[result.axes["phones.profile"]]
    return Row(
        resident=form.resident,
        optimiser=form.optimiser,
        phone=f"{gib} GB, {pressed:g} left" if pressed else f"{gib} GB, idle",
        asked=result.axes["trainer.sub_model"],
        chosen=chosen.sub_model if chosen else None,
        available_mb=chosen.available_mb if chosen else None,
        need_mb=result.need_mb,
        peak_rss_mb=result.peak_rss_mb,
        killed=len(result.pressure.kills) if result.pressure else 0,
        ended=result.status if result.failure is None else result.failure.kind,
    )


def show(rows: list[Row], arguments: argparse.Namespace) -> None:
    """Print a table."""
    table = Table(title=f"{arguments.arch}, two sentences, batches of one; MiB", padding=(0, 0))
    for column in ("phone", "held as", "trains"):
        table.add_column(column, no_wrap=True)
    for column in ("free", "need", "peak", "kills"):
        table.add_column(column, justify="right")
    table.add_column("ended")
    for row in rows:
        sizes = (row.available_mb, row.need_mb, row.peak_rss_mb)
        table.add_row(
            row.phone,
            f"{row.resident} {row.optimiser}",
            row.asked if row.asked == row.chosen else f"{row.asked}: {row.chosen or 'nothing'}",
            *("" if size is None else f"{size:.0f}" for size in sizes),
            str(row.killed),
            row.ended,
        )
    Console().print(table)


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(prog="script/bench weak_phone", description=__doc__)
    parser.add_argument("--arch", default="ds2")
    parser.add_argument("--sub-model", nargs="+", default=["S1", "S8"])
    forms = ["float32", "f16", "int8"]
    parser.add_argument("--resident", nargs="+", choices=forms, default=forms)
    parser.add_argument("--optimiser", nargs="+", choices=["adam", "sgd"], default=["adam"])
    parser.add_argument("--available", type=float, default=600)
    parser.add_argument("--keep", type=Path, help="a folder for files, models and run")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with kept_folder(arguments.keep) as folder:
        rows = measured(arguments, folder.resolve())
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    else:
        show(rows, arguments)


if __name__ == "__main__":
    main()
