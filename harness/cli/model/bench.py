"""``harness model bench``."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer
from rich.markup import escape

from harness.cli import console
from harness.cli.model.common import chosen_sub_models, need_tensorflow
from harness.cli.options import JsonOption
from harness.errors import InputError

if TYPE_CHECKING:
    from harness.contract.network import Network
    from harness.model.bench.figures import Figures, Ratio
    from harness.model.bench.subject import Subject


def bench(
    model: Annotated[
        Optional[Path],
        typer.Argument(help="A .tflite file or a model folder; without it, give --arch."),
    ] = None,
    arch: Annotated[
        Optional[str],
        typer.Option(
            "--arch",
            help="A network by name (ds2, ds2-mini, ds2-tiny) or a YAML file. Without MODEL it is "
            "converted first; for a file it says of which network it was made.",
        ),
    ] = None,
    batch_size: Annotated[
        Optional[list[int]],
        typer.Option("--batch-size", min=1, max=64, help="May be given several times."),
    ] = None,
    sub_model: Annotated[
        Optional[list[str]],
        typer.Option("--sub-model", help="Train these only. [default: all of the file]"),
    ] = None,
    signature: Annotated[
        Optional[list[str]],
        typer.Option(
            "--signature",
            help="Beside the sub-models: features, infer, loss. "
            "[default: all three, none with --sub-model]",
        ),
    ] = None,
    checkpoint: Annotated[
        Optional[Path], typer.Option("--checkpoint", help="Weights (.npz), if a file has none.")
    ] = None,
    against: Annotated[
        Optional[str],
        typer.Option(
            "--against",
            help="With what to compare, by commas: plain, keras; also tape, apart, joint (other "
            "formulations), own (this file's formulas in tensorflow), tflite (tensorflow's "
            "interpreter). [default: plain,keras with tensorflow; none without]",
        ),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Of each, taken in turn.")] = 5,
    threads: Annotated[int, typer.Option(min=1, help="Of each.")] = 2,
    as_json: JsonOption = False,
) -> None:
    """Time a model's signatures, and measure their memory, against the same step elsewhere.

    Everything that is compared runs in a fresh process of its own, and all of them step in turn:
    ratios hold on a busy machine too, seconds do not.
    """
    from harness.model.bench.paired import measure
    from harness.model.bench.subject import subjects
    from harness.model.folder import versions
    from harness.trainer.info import train_signature

    others = _others(against)
    if model is None:
        need_tensorflow()
    wanted = [*(signature or ())]
    if sub_model:
        names = chosen_sub_models(sub_model, _network(model, arch))
        wanted += [train_signature(name) for name in names]
    found: list[tuple[Subject, dict[str, list[Figures]]]] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="harness-bench-")))
        say = stack.enter_context(_progress())
        for subject in subjects(model, arch, batch_size or (), checkpoint, wanted, folder, say=say):
            figures: dict[str, list[Figures]] = {}
            for name in subject.signatures:
                tasks = subject.tasks(name, others, threads)
                figures[name] = measure(tasks, steps, say=_prefixed(subject, say))
            found.append((subject, figures))
        sizes = {subject.model: subject.bytes for subject, _ in found}
    if as_json:
        console.emit_json(
            {
                "threads": threads,
                "steps": steps,
                "cpus": os.cpu_count(),
                "load_average": os.getloadavg(),
                "versions": versions(),
                "models": [_values(subject, sizes[subject.model], f) for subject, f in found],
            }
        )
        return
    for subject, figures in found:
        _show(subject, sizes[subject.model], figures)
    console.note(
        f"{steps} steps in turn, {threads} threads each; ratio: LiteRT over this, median and "
        "quartiles; peak: RSS of the process; agrees: largest relative difference to LiteRT"
    )


def _others(against: str | None) -> tuple[str, ...]:
    """Return with what the flatbuffer is to be compared."""
    from harness.model.bench.contestants import CONTESTANTS

    if against is None:
        if importlib.util.find_spec("tensorflow") is None:
            console.note("tensorflow is not installed: the flatbuffer is measured alone")
            return ()
        return ("plain", "keras")
    names = tuple(name.strip() for name in against.split(",") if name.strip() not in ("", "none"))
    for name in names:
        if name not in CONTESTANTS[1:]:
            raise InputError(
                f"nothing to compare with is called {name!r}",
                where="--against",
                hint=f"There are {', '.join(CONTESTANTS[1:])}, none.",
            )
    if names and importlib.util.find_spec("tensorflow") is None:
        raise InputError(
            f"{', '.join(names)}: tensorflow is not installed",
            where="--against",
            hint="Install the extra [model] (README): pip install tensorflow-cpu, Python 3.10 to "
            "3.13; --against none measures the flatbuffer alone.",
        )
    return names


def _network(model: Path | None, arch: str | None) -> Network:
    """Return what the model calls its sub-models.

    Raises:
        InputError: There is no such model or network.
    """
    from harness.model.config_file import network
    from harness.trainer.flatfile import read_info
    from harness.trainer.manifest import load_manifest

    if model is None:
        return network(arch or "ds2").describe()
    return load_manifest(model).network if model.is_dir() else read_info(model).network


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """A line that changes on a terminal; elsewhere a line for each thing that takes long."""
    if console.err.is_terminal:
        with console.err.status("") as status:
            yield lambda line: status.update(escape(line))
    else:
        yield lambda line: None if ": step " in line else console.note(line)


def _prefixed(subject: Subject, say: Callable[[str], None]) -> Callable[[str], None]:
    return lambda line: say(f"{subject.config.name} batch {subject.config.batch_size}, {line}")


def _show(subject: Subject, size: int, figures: dict[str, list[Figures]]) -> None:
    from harness.model.bench.figures import difference, ratio

    rows: list[tuple[str, ...]] = []
    for signature, (litert, *others) in figures.items():
        for row in (litert, *others):
            times = "" if row is litert else _range(ratio(litert, row))
            agrees = "" if row is litert else f"{difference(litert, row):.0e}"
            seconds = (f"{row.median_s:.3f}", times, f"{row.first_seconds:.2f}")
            rows.append((signature, row.contestant, *seconds, f"{row.peak_mb:.0f}", agrees))
            signature = ""
    config = subject.config
    console.table(
        ("signature", "in", "s a step >", "ratio >", "first s >", "peak MiB >", "agrees >"),
        rows,
        title=f"{config.name}, batch {config.batch_size}: {size / 2**20:.1f} MiB on disk",
    )


def _range(ratio: Ratio) -> str:
    return f"{ratio.median:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]"


def _values(subject: Subject, size: int, figures: dict[str, list[Figures]]) -> dict[str, Any]:
    from harness.model.bench.figures import difference, ratio

    def values(litert: Figures, row: Figures) -> dict[str, Any]:
        facts = dataclasses.asdict(row) | {"median_s": row.median_s}
        if row is not litert:
            facts["ratio"] = dataclasses.asdict(ratio(litert, row))
            facts["difference"] = difference(litert, row)
        return facts

    return {
        "model": str(subject.model),
        "network": subject.config.name,
        "batch_size": subject.config.batch_size,
        "bytes": size,
        "signatures": {
            name: [values(rows[0], row) for row in rows] for name, rows in figures.items()
        },
    }
