"""Options that several commands share, so that they read and mean the same everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Optional

import typer

from harness.cli.complete import run_names, scenario_names

ScenarioArgument = Annotated[
    Path,
    typer.Argument(
        help="A scenario file (YAML), or the name of one (`harness scenario list`).",
        show_default=False,
        autocompletion=scenario_names,
    ),
]
FarmOption = Annotated[
    Optional[str],
    typer.Option(
        "--farm",
        help="`virtual`: start virtual phones for this command, one for each profile that the "
        "scenario names. `virtual:PROFILE=N,...`: these. `stf:URL[,count=N][,serial=S]`: phones of "
        "an STF farm, reserved for this command with the token in $STF_TOKEN. `NAME:...`: phones "
        "of a plug-in. Without it, the phones that adb lists.",
        show_default=False,
    ),
]
AdbOption = Annotated[
    Optional[list[str]],
    typer.Option(
        "--adb",
        metavar="HOST:PORT",
        help="adb server to look for phones on; may be given several times. "
        "[default: adb's own, 127.0.0.1:5037]",
        show_default=False,
    ),
]
EngineOption = Annotated[
    Optional[str],
    typer.Option(
        "--engine",
        metavar="local|dask",
        help="`dask`: use the phones that workers on other hosts offer (`harness worker`).",
        show_default="local",
    ),
]
SchedulerOption = Annotated[
    Optional[str],
    typer.Option(
        "--scheduler",
        metavar="tcp://HOST:PORT",
        help="With --engine dask: where the workers are met, as `dask scheduler` prints it.",
        show_default=False,
    ),
]
SetOption = Annotated[
    Optional[list[str]],
    typer.Option(
        "--set",
        metavar="FIELD=VALUE",
        help="Change a field: --set trainer.epochs=3.",
        show_default=False,
    ),
]
OnlyOption = Annotated[
    Optional[list[str]],
    typer.Option(
        "--only",
        metavar="FIELD=VALUE[,VALUE]",
        help="Keep these jobs only: --only pressure.fits=S5.",
        show_default=False,
    ),
]
RunsOption = Annotated[
    Path, typer.Option("--runs", metavar="FOLDER", help="Where run folders are kept.")
]
ApkOption = Annotated[
    Optional[Path],
    typer.Option(
        "--apk",
        metavar="FILE",
        help="The trainer to install where it is absent or another one. [default: the one that "
        "`harness apk build` made, on real phones; a virtual phone keeps its own]",
        show_default=False,
    ),
]
KeepOption = Annotated[bool, typer.Option("--keep", help="Leave on the phones what was put there.")]
PhonesFileOption = Annotated[
    Optional[Path],
    typer.Option(
        "--phones-file",
        metavar="FILE",
        envvar="MOBILEASR_PHONES_FILE",
        help="What the lab has written of its phones: tags, names, which are out of service. "
        "[default: phones.yaml here, if there is one]",
        show_default=False,
    ),
]
SkipUnfitOption = Annotated[
    bool,
    typer.Option(
        "--skip-unfit",
        help="Run the other jobs even if some fit no phone; those are recorded as skipped.",
    ),
]
WaitOption = Annotated[
    bool,
    typer.Option(
        "--wait",
        help="Wait for phones of this host that another run holds, until every job has one.",
    ),
]
ExpectOption = Annotated[
    bool,
    typer.Option(
        "--expect",
        help="Exit code 1 if an expectation of the scenario does not hold or cannot be judged.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
RunArgument = Annotated[
    Path,
    typer.Argument(
        help="A run folder, the name of a run, or `latest`.",
        show_default=False,
        autocompletion=run_names,
    ),
]


@dataclass(frozen=True)
class PhoneOptions:
    """Where a command's phones are, and who works with them."""

    farm: FarmOption = None
    adb: AdbOption = None
    engine: EngineOption = None
    scheduler: SchedulerOption = None
    phones_file: PhonesFileOption = None

    @property
    def says_where(self) -> bool:
        """Whether anything is said of where the phones are."""
        return any((self.farm, self.adb, self.engine, self.scheduler))


@dataclass(frozen=True)
class JobOptions:
    """Which jobs of a scenario, and what of it is otherwise."""

    set_: SetOption = None
    only: OnlyOption = None
