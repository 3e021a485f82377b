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
    checked = [one for one in model.check() if not one.calibrating]
    if checked:
        worst = max(checked, key=lambda one: abs(one.peak_error_percent))
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
                    one.printed.name,
                    f"{one.printed.printed} {one.printed.unit}".strip(),
                    one.ours or "",
                    "=" if one.equal else one.printed.value_class.replace("_", " "),
                    mark(one.printed.note),
                )
                for one in rows
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
                one.measured.sub_model,
                one.measured.batch_size,
                f"{one.predicted.need_mb:.0f}",
                f"{one.measured.need_mb:.0f}",
                f"{one.error_percent:+.1f}",
                f"{one.predicted.peak_mb:.0f}",
                f"{one.measured.peak_mb:.0f}",
                f"{one.peak_error_percent:+.1f}",
                "calibrates" if one.calibrating else "held out",
            )
            for one in checked
        ],
    )
    for calibrating, words in ((False, "held out"), (True, "calibrating")):
        these = [one for one in checked if one.calibrating == calibrating]
        if these:
            need = max(these, key=lambda one: abs(one.error_percent))
            peak = max(these, key=lambda one: abs(one.peak_error_percent))
            console.say(
                f"{words} ({len(these)}): largest error of the need {need.error_percent:+.1f} % "
                f"({_cell(need.measured)}), of the peak {peak.peak_error_percent:+.1f} % "
                f"({_cell(peak.measured)})"
            )


def check_json(checked: Sequence[Checked]) -> list[dict[str, Any]]:
    """Return predictions beside measured processes for scripts."""
    return [
        {
            "sub_model": one.measured.sub_model,
            "batch_size": one.measured.batch_size,
            "calibrating": one.calibrating,
            "predicted_need_mb": round(one.predicted.need_mb, 1),
            "need_mb": one.measured.need_mb,
            "error_percent": round(one.error_percent, 2),
            "predicted_peak_mb": round(one.predicted.peak_mb, 1),
            "peak_mb": round(one.measured.peak_mb, 1),
            "peak_error_percent": round(one.peak_error_percent, 2),
        }
        for one in checked
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
            sub: {size: one and dataclasses.asdict(one) for size, one in by.items()}
            for sub, by in _predictions(network, record, sizes, names, batch_sizes).items()
        }
        found["record"] = record and record.model_dump(mode="json")
    return found
