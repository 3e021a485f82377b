"""``harness model memory``."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from harness.cli import console
from harness.cli.model import memory_tables as tables
from harness.cli.model.common import chosen_sub_models
from harness.cli.options import JsonOption
from harness.errors import HarnessError, InputError
from harness.paths import cache_root, data_root

if TYPE_CHECKING:
    from harness.contract.network import Network
    from harness.memory.measured import Measured, MemoryRecord
    from harness.memory.sizes import NetworkSizes
    from harness.trainer.calibrate import Bench, Cell, Done
    from harness.trainer.manifest import ModelManifest

PAPERS_BATCHES = (1, 2, 5, 10)
RECORD = "memory.json"
"""Measured processes of a network that is shipped without flatbuffers: ``models/<arch>/``."""
_MEASURING = "Measuring"


@dataclasses.dataclass
class _Subject:
    """What is asked about: a model folder, or a network by name."""

    name: str
    network: Network
    sizes: NetworkSizes | None
    record: MemoryRecord | None
    folder: Path | None = None
    manifest: ModelManifest | None = None

    @property
    def batch_sizes(self) -> list[int]:
        """Those to show unless told otherwise."""
        return sorted(self.manifest.files) if self.manifest else list(PAPERS_BATCHES)


def memory(
    model: Annotated[
        Optional[Path], typer.Argument(help="A model folder.", show_default=False)
    ] = None,
    arch: Annotated[
        Optional[str],
        typer.Option(
            "--arch",
            help="Instead of a folder: ds2, ds2-mini, ds2-tiny or a YAML file.",
            show_default=False,
        ),
    ] = None,
    batch_size: Annotated[
        Optional[list[int]],
        typer.Option(
            "--batch-size",
            min=1,
            max=64,
            help="May be given several times. [default: those of the folder, or 1, 2, 5, 10]",
        ),
    ] = None,
    sub_model: Annotated[
        Optional[list[str]],
        typer.Option("--sub-model", help="May be given several times. [default: all]"),
    ] = None,
    as_printed: Annotated[
        bool, typer.Option("--as-printed", help="Only the paper's arithmetic.")
    ] = False,
    measured: Annotated[
        bool, typer.Option("--measured", help="Only the model that measured processes calibrate.")
    ] = False,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate",
            help="Measure the smallest and the largest batch size of some sub-models (or of "
            "--sub-model) and write them into the folder's manifest.",
            rich_help_panel=_MEASURING,
        ),
    ] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Measure all batch sizes of these sub-models and compare with the prediction; "
            "with --calibrate the comparison goes into the manifest too.",
            rich_help_panel=_MEASURING,
        ),
    ] = False,
    within: Annotated[
        float,
        typer.Option(
            min=0.0,
            help="--check: percent of the peak that is still well predicted.",
            rich_help_panel=_MEASURING,
        ),
    ] = 10.0,
    export: Annotated[
        Optional[Path],
        typer.Option(
            help="--calibrate: write what was measured to this file too.",
            rich_help_panel=_MEASURING,
        ),
    ] = None,
    threads: Annotated[
        int, typer.Option(min=1, max=64, help="Of LiteRT.", rich_help_panel=_MEASURING)
    ] = 2,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Measure again what is kept.", rich_help_panel=_MEASURING),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Tell what training needs: by the paper's arithmetic, and predicted from measured processes.

    A measured process is a fresh trainer; what was measured is kept, so that an interrupted command
    goes on where it was.
    """
    _check_options(model, arch, calibrate, check, export)
    subject = _subject(model, arch)
    names = chosen_sub_models(sub_model, subject.network)
    sizes = sorted(set(batch_size or subject.batch_sizes))
    if calibrate or check:
        found = _measure(
            subject, names if sub_model else None, batch_size, calibrate, check, threads, fresh
        )
        if calibrate:
            _keep(subject, found, threads, export)
        if check:
            _say_check(subject, [tables.point(measured) for measured in found], within, as_json)
            return
    both = as_printed == measured
    if as_json:
        console.emit_json(
            tables.as_json(
                subject.name,
                subject.network,
                subject.sizes,
                subject.record,
                names,
                sizes,
                printed=as_printed or both,
                predicted=measured or both,
            )
        )
        return
    if measured or both:
        tables.say_measured(
            subject.name, subject.network, subject.record, subject.sizes, names, sizes
        )
    if as_printed or both:
        tables.say_as_printed(
            subject.name, subject.network, subject.sizes, names, sizes, whole=as_printed
        )


def _check_options(
    model: Path | None, arch: str | None, calibrate: bool, check: bool, export: Path | None
) -> None:
    if model is not None and arch is not None:
        raise InputError("give a model folder or --arch, not both", where="--arch")
    if (calibrate or check) and model is None:
        raise InputError(
            "measuring needs a model folder",
            where="--calibrate" if calibrate else "--check",
            hint="'harness model build --arch ds2 --out FOLDER --no-measure' makes one.",
        )
    if export is not None and not calibrate:
        raise InputError("goes with --calibrate", where="--export")


def _subject(model: Path | None, arch: str | None) -> _Subject:
    from harness.trainer.manifest import FILE_NAME, load_manifest

    if model is not None:
        manifest = load_manifest(model)
        sizes = manifest.sizes or _sizes_by_name(manifest)
        return _Subject(
            manifest.name, manifest.network, sizes, manifest.memory, model.resolve(), manifest
        )
    from harness.model.config_file import network
    from harness.model.sizes import network_sizes

    name = arch or "ds2"
    config = network(name)
    shipped = data_root() / "models" / Path(name).stem
    record = None
    if (shipped / FILE_NAME).is_file():
        record = load_manifest(shipped).memory
    elif (shipped / RECORD).is_file():
        record = _load_record(shipped / RECORD)
    return _Subject(name, config.describe(), network_sizes(config), record)


def _load_record(path: Path) -> MemoryRecord:
    from pydantic import ValidationError

    from harness.memory.measured import MemoryRecord

    try:
        return MemoryRecord.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InputError(f"{field}: {first['msg']}", where=str(path)) from error


def _sizes_by_name(manifest: ModelManifest) -> NetworkSizes | None:
    """Return the sizes of a folder made before manifests had them, if its network is known."""
    from harness.model.configuration import sub_model_parameters
    from harness.model.families import CONFIGS
    from harness.model.sizes import network_sizes

    config = CONFIGS.get(manifest.name)
    if config is None or sub_model_parameters(config) != dict(manifest.parameters):
        return None
    return network_sizes(config)


def _measure(
    subject: _Subject,
    names: Sequence[str] | None,
    batch_size: Sequence[int] | None,
    calibrate: bool,
    check: bool,
    threads: int,
    fresh: bool,
) -> list[Done]:
    """Measure what calibrates, what is checked, or both; each cell once."""
    from harness.trainer.calibrate import Bench

    assert subject.folder is not None
    assert subject.manifest is not None
    cache = None if fresh else cache_root() / "memory"
    bench = Bench(subject.folder, subject.manifest, cache, threads)
    sizes = set(batch_size or subject.manifest.files) if check else set()
    if calibrate:
        if len(bench.ends()) == 1:
            raise InputError(
                "one batch size does not tell what an utterance adds",
                where=str(subject.folder),
                hint="Build the folder with two batch sizes or more.",
            )
        sizes |= set(bench.ends())
    if not calibrate and subject.record is None:
        raise InputError(
            "nothing was measured yet that a prediction could stand on",
            where=str(subject.folder),
            hint="Add --calibrate.",
        )
    cells = bench.cells(names or bench.few(), sorted(sizes))
    console.note(f"{len(cells)} processes to measure, one at a time; Ctrl-C keeps what is done")
    found = []
    for number, cell in enumerate(cells, 1):
        done = _one(bench, cell, number, len(cells))
        found.append(done)
    return found


def _one(bench: Bench, cell: Cell, number: int, total: int) -> Done:
    import subprocess
    import time

    what = f"{number} of {total}: {cell.sub_model} at batch size {cell.batch_size}"
    begun = time.monotonic()
    try:
        if console.err.is_terminal:
            with console.err.status(f"{what} ..."):
                done = bench.measure(cell)
        else:
            done = bench.measure(cell)
    except subprocess.CalledProcessError as error:
        raise HarnessError(f"{what}: the trainer failed (exit code {error.returncode})") from error
    took = "kept" if done.from_cache else f"{time.monotonic() - begun:.0f} s"
    console.note(f"{what}: need {done.need.need_mb:.0f} MiB, peak {done.need.peak_mb:.0f} ({took})")
    return done


def _keep(subject: _Subject, found: Sequence[Done], threads: int, export: Path | None) -> None:
    """Write what was measured into the manifest, and to a file of its own if asked to."""
    import statistics

    from harness.trainer.calibrate import make_record
    from harness.trainer.manifest import save_manifest

    assert subject.folder is not None
    assert subject.manifest is not None
    points: list[Measured] = [tables.point(measured) for measured in found]
    record = make_record(points, subject.manifest.files, threads)
    subject.record = record
    subject.manifest = subject.manifest.model_copy(
        update={
            "memory": record,
            "sizes": subject.sizes,
            "trainer_base_mb": statistics.median(measured.need.base_mb for measured in found),
        }
    )
    path = save_manifest(subject.manifest, subject.folder)
    console.note(f"written: {path}")
    if export is not None:
        export.parent.mkdir(parents=True, exist_ok=True)
        export.write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")
        console.note(f"written: {export}")


def _say_check(subject: _Subject, points: Sequence[Measured], within: float, as_json: bool) -> None:
    """Show predictions beside measured processes; end with 1 if one is too far off."""
    from harness.memory.measured import MemoryModel

    assert subject.record is not None
    checked = MemoryModel(subject.record, subject.network, subject.sizes).check(points)
    if as_json:
        console.emit_json(
            {"model": subject.name, "within_percent": within, "check": tables.check_json(checked)}
        )
    else:
        tables.say_check(subject.name, checked)
    worst = max((abs(check.peak_error_percent) for check in checked), default=0.0)
    if worst > within:
        raise HarnessError(f"a peak is {worst:.1f} % off, more than {within:g} %")
