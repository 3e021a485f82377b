"""What ``harness model memory`` shows: tables for people, JSON for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness.cli import console

if TYPE_CHECKING:
    from harness.contract.network import Network
    from harness.memory.measured import Checked, Measured, MemoryRecord, Prediction
    from harness.memory.sizes import NetworkSizes
    from harness.trainer.calibrate import Done


def point(done: Done) -> Measured:
    """Return a measured cell as the memory model holds it."""
    from harness.trainer.calibrate import measured

    return measured(done.cell, done.need)


def _predictions(
    network: Network,
    record: MemoryRecord | None,
    sizes: NetworkSizes | None,
    names: Sequence[str],
    batch_sizes: Sequence[int],
) -> dict[str, dict[int, Prediction | None]]:
    from harness.memory.measured import MemoryModel

    if record is None:
        return {}
    model = MemoryModel(record, network, sizes)
    return {name: {size: model.predict(name, size) for size in batch_sizes} for name in names}


def say_measured(
    name: str,
    network: Network,
    record: MemoryRecord | None,
    sizes: NetworkSizes | None,
    names: Sequence[str],
    batch_sizes: Sequence[int],
) -> None:
    """Print predicted needs and peaks."""
    from harness.memory.measured import MemoryModel

    if record is None:
        console.note(
            f"{name}: nothing was measured yet; 'harness model memory FOLDER --calibrate' does it"
        )
        return
    found = _predictions(network, record, sizes, names, batch_sizes)
    on = record.conditions
    console.say(
        f"\n{name}, measured model: what training adds to a trainer, and its peak RSS (MiB)"
    )
    console.table(
        ("sub-model", *(f"B {size} >" for size in batch_sizes)),
        [(sub, *(_said(found[sub][size]) for size in batch_sizes)) for sub in names],
    )
    console.say(
        f"from {len(record.calibrating)} processes on {on.runtime}, {on.platform}, "
        f"{on.threads} threads, {on.utterances} utterances, {on.date}; "
        "~ sub-model between measured ones, * batch size outside the measured ones"
    )
    model = MemoryModel(record, network, sizes)
    checked = [check for check in model.check() if not check.calibrating]
    if checked:
        worst = max(checked, key=lambda check: abs(check.peak_error_percent))
        console.say(
            f"compared with {len(checked)} others: the peak is at most "
            f"{abs(worst.peak_error_percent):.1f} % off ({_cell(worst.measured)})"
        )


def _said(prediction: Prediction | None) -> str:
    if prediction is None:
        return "?"
    mark = "~" * prediction.interpolated + "*" * prediction.extrapolated
    return f"{prediction.need_mb:.0f} / {prediction.peak_mb:.0f}{mark}"


def _cell(measured: Measured) -> str:
    return f"{measured.sub_model} at batch size {measured.batch_size}"


def say_as_printed(
    name: str,
    network: Network,
    sizes: NetworkSizes | None,
    names: Sequence[str],
    batch_sizes: Sequence[int],
    *,
    whole: bool,
) -> None:
    """Print the paper's estimate; ``whole`` adds all readings and the printed figures."""
    from harness.memory.as_printed import DEFAULT, READINGS, as_printed_sizes

    if sizes is None:
        console.note(f"{name}: the manifest does not have the sizes that the paper's formula takes")
        return
    used = as_printed_sizes(sizes)
    for reading in READINGS if whole else (DEFAULT,):
        console.say(f"\n{name}, as printed: lambda (MiB), reading {reading!r}")
        console.table(
            ("sub-model", *(f"B {size} >" for size in batch_sizes)),
            [
                (sub, *(f"{_lambda_mb(network, used, sub, n, reading):.0f}" for n in batch_sizes))
                for sub in names
            ],
        )
        console.say(READINGS[reading].says)
    if whole and used is not sizes:
        say_published()


def _lambda_mb(
    network: Network, sizes: NetworkSizes, sub_model: str, batch_size: int, reading: str
) -> float:
    from harness.memory.as_printed import estimate

    return estimate(sizes, network.sub_model(sub_model).layers, batch_size, reading).total


def say_published() -> None:
    """Print the paper's figures beside what the arithmetic gives."""
    from harness.memory.published import compared, load_published

    published = load_published()
    notes: list[str] = []

    def mark(note: str | None) -> str:
        if note is None:
            return ""
        if note not in notes:
            notes.append(note)
        return f"[{notes.index(note) + 1}]"

    for table, rows in compared(published):
        console.say(f"\n{table.at}: {table.what}")
        console.table(
            ("", "printed >", "ours >", "", "note"),
            [
                (
                    row.printed.name,
                    f"{row.printed.printed} {row.printed.unit}".strip(),
                    row.ours or "",
                    "=" if row.equal else row.printed.value_class.replace("_", " "),
                    mark(row.printed.note),
                )
                for row in rows
            ],
        )
    for number, note in enumerate(notes, 1):
        console.say(f"[{number}] {published.notes[note]}")


def say_check(name: str, checked: Sequence[Checked]) -> None:
    """Print predictions beside measured processes, those that calibrated apart."""
    console.say(f"{name}: predicted and measured (MiB)")
    console.table(
        (
            *("sub-model", "B >", "need, predicted >", "measured >", "error % >"),
            *("peak, predicted >", "measured >", "error % >", ""),
        ),
        [
            (
                check.measured.sub_model,
                check.measured.batch_size,
                f"{check.predicted.need_mb:.0f}",
                f"{check.measured.need_mb:.0f}",
                f"{check.error_percent:+.1f}",
                f"{check.predicted.peak_mb:.0f}",
                f"{check.measured.peak_mb:.0f}",
                f"{check.peak_error_percent:+.1f}",
                "calibrates" if check.calibrating else "held out",
            )
            for check in checked
        ],
    )
    for calibrating, words in ((False, "held out"), (True, "calibrating")):
        these = [check for check in checked if check.calibrating == calibrating]
        if these:
            need = max(these, key=lambda check: abs(check.error_percent))
            peak = max(these, key=lambda check: abs(check.peak_error_percent))
            console.say(
                f"{words} ({len(these)}): largest error of the need {need.error_percent:+.1f} % "
                f"({_cell(need.measured)}), of the peak {peak.peak_error_percent:+.1f} % "
                f"({_cell(peak.measured)})"
            )


def check_json(checked: Sequence[Checked]) -> list[dict[str, Any]]:
    """Return predictions beside measured processes for scripts."""
    return [
        {
            "sub_model": check.measured.sub_model,
            "batch_size": check.measured.batch_size,
            "calibrating": check.calibrating,
            "predicted_need_mb": round(check.predicted.need_mb, 1),
            "need_mb": check.measured.need_mb,
            "error_percent": round(check.error_percent, 2),
            "predicted_peak_mb": round(check.predicted.peak_mb, 1),
            "peak_mb": round(check.measured.peak_mb, 1),
            "peak_error_percent": round(check.peak_error_percent, 2),
        }
        for check in checked
    ]


def as_json(
    name: str,
    network: Network,
    sizes: NetworkSizes | None,
    record: MemoryRecord | None,
    names: Sequence[str],
    batch_sizes: Sequence[int],
    *,
    printed: bool,
    predicted: bool,
) -> dict[str, Any]:
    """Return all of it for scripts (MiB)."""
    import dataclasses

    from harness.memory.as_printed import READINGS, as_printed_sizes
    from harness.memory.published import as_json as published_json
    from harness.memory.published import load_published

    found: dict[str, Any] = {"model": name}
    if sizes is not None:
        found["sizes"] = sizes.model_dump()
    if printed and sizes is not None:
        used = as_printed_sizes(sizes)
        found["as_printed"] = {
            reading: {
                sub: {size: _lambda_mb(network, used, sub, size, reading) for size in batch_sizes}
                for sub in names
            }
            for reading in READINGS
        }
        if used is not sizes:
            found["published"] = published_json(load_published())
    if predicted:
        found["measured"] = {
            sub: {size: estimate and dataclasses.asdict(estimate) for size, estimate in by.items()}
            for sub, by in _predictions(network, record, sizes, names, batch_sizes).items()
        }
        found["record"] = record and record.model_dump(mode="json")
    return found
