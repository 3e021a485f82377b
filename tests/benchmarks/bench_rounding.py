"""Does a network that stays in few bits learn? WER and codes changed a step, by rounding.

``script/bench rounding [--arch ds2-mini] [--sub-model S1] [--speaker ind-female]
[--resident float32 f16 int8] [--optimiser adam sgd] [--rate adam=5e-4 sgd=1e-2] [--epochs 4]
[--train 40] [--keep FOLDER] [--json]``. Each form of the shipped network is made (a minute each)
and trained on virtual phones on a voice that it never heard, from the same weights over the same
sentences: rounded by lot, and to the nearest. WER is the host's own, before and after each epoch.
The run folder has a report; with ``--keep`` it stays, and models are not made again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.model.config_file import network
from harness.results.model import AttemptResult
from tests.benchmarks.bench_pruning import start
from tests.benchmarks.bench_resident import kept_folder
from tests.benchmarks.forms import Form, model_folder, on_phones


@dataclass(frozen=True)
class Row:
    """A training."""

    resident: str
    optimiser: str
    rounding: str
    learning_rate: float
    wer_percent: tuple[float, ...]
    """Before training, and after each epoch."""
    last_loss: float | None
    changed_codes: float | None
    """Share of the codes of weights that a step changed, on average."""
    peak_rss_mb: float | None


def forms(residents: Sequence[str], optimisers: Sequence[str]) -> list[Form]:
    """Return all forms; float32 is not rounded."""
    return [
        Form(resident, optimiser, rounding)  # type: ignore[arg-type]
        for optimiser in optimisers
        for resident in residents
        for rounding in ("stochastic", "nearest")
        if resident != "float32" or rounding == "stochastic"
    ]


def trained(arguments: argparse.Namespace, folder: Path) -> list[Row]:
    """Make the forms, train each on a phone, and return what came of it."""
    config = network(arguments.arch).with_batch(arguments.batch_size)
    weights = start(config)
    names = [arguments.sub_model]
    made = {
        form: model_folder(config, form, names, folder, weights)
        for form in forms(arguments.resident, arguments.optimiser)
    }
    rates = dict(text.split("=") for text in arguments.rate)
    scenario = {
        "name": "rounding",
        "title": "Weights in few bits while training, rounded by lot and to the nearest",
        "model": {"path": str(next(iter(made.values())))},
        "data": {
            "corpus": "accents",
            "speaker": arguments.speaker,
            "train": arguments.train,
            "validation": 40,
        },
        "trainer": {
            "sub_model": arguments.sub_model,
            "batch_size": arguments.batch_size,
            "epochs": arguments.epochs,
            "keep": "last",
            "stop": {"patience": 100, "available_below_mb": 4},
        },
        "phones": {"profile": "oneplus-7t"},
        "matrix": {
            "include": [
                {
                    "model": {"path": str(path)},
                    "trainer.learning_rate": float(rates[form.optimiser]),
                }
                for form, path in made.items()
            ]
        },
    }
    results = on_phones(scenario, folder, "virtual")
    by_model = {result.model_name: result for result in results.values()}
    return [_row(f, by_model[path.name]) for f, path in made.items() if path.name in by_model]


def _row(form: Form, result: AttemptResult) -> Row:
    return Row(
        resident=form.resident,
        optimiser=form.optimiser,
        rounding="" if form.resident == "float32" else form.rounding,
        learning_rate=result.learning_rate,
        wer_percent=tuple(round(epoch.wer_percent, 1) for epoch in result.epochs),
        last_loss=result.epochs[-1].train_loss if result.epochs else None,
        changed_codes=result.changed_codes,
        peak_rss_mb=result.peak_rss_mb,
    )


def show(rows: list[Row], arguments: argparse.Namespace) -> None:
    """Print a table."""
    table = Table(title=f"{arguments.arch}, {arguments.sub_model}, {arguments.speaker}")
    for column in ("held as", "optimiser", "rounded", "rate", "WER %", "loss", "codes %", "MiB"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(
            row.resident,
            row.optimiser,
            row.rounding,
            f"{row.learning_rate:g}",
            " ".join(f"{wer:.1f}" for wer in row.wer_percent),
            "" if row.last_loss is None else f"{row.last_loss:.3g}",
            "" if row.changed_codes is None else f"{100 * row.changed_codes:.3g}",
            "" if row.peak_rss_mb is None else f"{row.peak_rss_mb:.0f}",
        )
    Console().print(table)


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(prog="script/bench rounding", description=__doc__)
    parser.add_argument("--arch", default="ds2-mini")
    parser.add_argument("--sub-model", default="S1")
    parser.add_argument("--speaker", default="ind-female")
    parser.add_argument("--batch-size", type=int, default=5)
    residents = ["float32", "f16", "int8"]
    parser.add_argument("--resident", nargs="+", choices=residents, default=residents)
    parser.add_argument("--optimiser", nargs="+", choices=["adam", "sgd"], default=["adam", "sgd"])
    parser.add_argument("--rate", nargs="+", default=["adam=5e-4", "sgd=1e-2"])
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--train", type=int, default=40)
    parser.add_argument("--keep", type=Path, help="a folder for models and run")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with kept_folder(arguments.keep) as folder:
        rows = trained(arguments, folder.resolve())
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    else:
        show(rows, arguments)


if __name__ == "__main__":
    main()
