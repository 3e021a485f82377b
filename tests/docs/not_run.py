"""What the tests of the pages do not run, and why; and what they run a smaller way."""

from __future__ import annotations

_TRAINS = "trains or converts a network with tensorflow, minutes: tests/unit/model"
_PAPER = "a quarter of an hour or more; parts: the researcher's tutorial, tests/integration/cli"
_HOSTS = "needs other hosts: tests/integration/test_many_hosts.py, test_phone_sources.py"
_STF = "needs an STF farm: tests/unit/devices/test_stf.py"
_BENCH = "a measurement, minutes on all cores; short ones: tests/integration/test_bench_*.py"
_ROUNDS = "trains for minutes; a small one: tests/integration/test_federated.py"
_PRUNED = "trains for minutes; a small one: tests/integration/test_federated_pruning.py"
_LINEAGE = "of a model that the page trains: tests/integration/cli/test_languages.py"
_CORPORA = "needs recordings, or a corpus as it is downloaded: tests/unit/speech"
_STAYS = "stays until Ctrl-C: tests/unit/serve, tests/integration/virtual_userland"
_APK = "needs a JDK, Maven and Android's tools: tests/integration/test_apk.py"
_SETUP = "makes the environment that the tests themselves run in"
_QUICK = "trains for a minute and a half: tests/integration/test_wheel.py plans it"
_STREAMS = "a minute; smaller: tests/integration/cli/test_streaming.py"
_EXITS = "a minute; smaller: tests/integration/cli/test_early_exits.py"
_PEOPLE = "trains for minutes: tests/integration/cli/test_people.py runs it small"
_SYSTEM = "changes this computer, from a network"
_SENTENCES = "needs what a real run trained on: tests/unit/cli/test_score.py"
_WIFI = "needs a phone on Wi-Fi, and what its screen shows"

NOT_RUN: dict[str, str] = {
    "script/bootstrap": _SETUP,
    ". .venv/bin/activate": _SETUP,
    "script/demo": "trains for a minute and a half: tests/integration/cli/test_whole_way.py",
    "script/docs": "builds the site: tests/docs/test_site.py",
    "script/test": "is this suite",
    "script/test *": "a part of this suite",
    "pytest *": "a part of this suite",
    "MOBILEASR_NIGHTS=60 pytest *": "a part of this suite, minutes with that many nights",
    "script/bench *": _BENCH,
    "nice * script/bench *": _BENCH,
    "python -m tests.fuzz *": "goes on for ten minutes; a short one: tests/unit/readings",
    "python -m harness.readings KIND < FILE": "needs a capture of a phone: tests/unit/readings",
    "pip install *": _SYSTEM,
    "pipx install *": _SYSTEM,
    "apt-get *": _SYSTEM,
    "{ echo *": "LaTeX is not here",
    "for file in paper/latex/*": "LaTeX is not here",
    "pdflatex *": "LaTeX is not here",
    "adb pair *": _WIFI,
    "adb connect *": _WIFI,
    "adb devices": "the adb of this computer; the tests have a server of their own",
    "harness apk build": _APK,
    "harness run scenario.yaml": "needs a real phone: tests/integration/test_trainer_app.py",
    "harness run scenario.yaml --apk FILE": "needs an APK: tests/integration/test_trainer_app.py",
    "harness run quickstart --farm virtual": _QUICK,
    "harness run people *": _PEOPLE,
    "harness run german*": _PEOPLE,
    "harness farm up *": _STAYS,
    "harness serve": _STAYS,
    "mlflow ui *": _STAYS,
    "harness serve --metrics *": _STAYS,
    "harness run nightly.yaml --adb *": _HOSTS,
    "harness run nightly.yaml --engine dask *": _HOSTS,
    "harness worker *": _HOSTS,
    "dask scheduler *": _HOSTS,
    "export STF_TOKEN=...": _STF,
    "harness devices --farm stf:*": _STF,
    "harness run nightly.yaml --farm stf:*": _STF,
    "harness nightly scenarios/nightly.yaml *": "minutes; a smaller night: the nightly tutorial",
    "harness model build *": _TRAINS,
    "harness model pretrain *": _TRAINS,
    "harness model lineage italian": _LINEAGE,
    "harness model evaluate *": "needs people's speech: tests/integration/cli",
    "harness model stream *": "hears a corpus: tests/unit/model/test_transducer_file.py",
    "harness model bench *": _BENCH,
    "harness model memory * --calibrate*": "measures for minutes: tests/integration/cli",
    "harness paper": _PAPER,
    "harness paper --out whole": _PAPER,
    "harness paper --only table2,figure3 -o mine": _PAPER,
    "harness paper --farm usb": _PAPER,
    "harness paper --system early-exit*": _PAPER,
    "harness paper --system omc": _PAPER,
    "harness paper --system fedaqt": _PAPER,
    "harness paper --system fedaqt --only memory*": _PAPER,
    "harness paper --system federated-pruning": _PAPER,
    "harness paper --system transfer": _PAPER,
    "harness paper --scale full*": _PAPER,
    "harness plan scenarios/federated.yaml *": _ROUNDS,
    "harness run early_exit *": _EXITS,
    "harness run which_layers *": _EXITS,
    "harness run which_layers_people *": _EXITS,
    "harness run streaming *": _STREAMS,
    "harness run heard-on.yaml *": _STREAMS,
    "harness run federated *": _ROUNDS,
    "harness plan scenarios/paper/federated_pruning.yaml *": _PRUNED,
    "harness run scenarios/paper/federated_pruning.yaml *": _PRUNED,
    "harness run scenarios/federated.yaml *": _ROUNDS,
    "harness run scenarios/paper/omc.yaml *": _ROUNDS,
    "harness run scenarios/paper/less_for_a_phone.yaml *": _ROUNDS,
    "harness run scenarios/paper/fedaqt.yaml *": _ROUNDS,
    "harness run personal.yaml *": _ROUNDS,
    "harness compare together alone both": _ROUNDS,
    "harness federated run *": "needs a Flower app: tests/unit/federated/test_flower_app.py",
    "git clone --depth 1 https://github.com/adap/flower": "fetches somebody else's repository",
    "harness corpus import *": _CORPORA,
    "harness score RUN --vocabulary-rank *": _SENTENCES,
    "harness run words.yaml *": "trains for a minute: tests/unit/report, tests/unit/cli",
    "git clone https://github.com/facebookresearch/fbai-speech": "somebody else's repository",
    "harness plan mine.yaml": _CORPORA,
}
"""Command, or a pattern -> why no test of the pages runs it; it is parsed all the same."""

ELSEWHERE: dict[str, str] = {
    "harness scenario list": "harness scenario list",
    "harness report RUN": "harness report one",
    "harness score RUN --characters --baseline before": (
        "harness score one --characters --baseline before"
    ),
    "harness score RUN RUN": "harness score one two",
    "harness report RUN RUN ... -o both.html": "harness report one two -o both.html",
    "harness export csv RUN": "harness export csv one",
    "harness model inspect mini.tflite": (
        "harness model inspect models/ds2-mini/ds2-mini-b1.tflite"
    ),
    "harness model inspect models/conformer-mini/conformer-mini-b5.tflite": (
        "harness model inspect models/conformer-mini/conformer-mini-b5.tflite"
    ),
    "harness corpus synth --speaker us-male --speaker uk-female --train 1 --validation 40 "
    "--out speech": (
        "harness corpus synth --speaker us-male --speaker uk-female --train 1 --validation 1 "
        "--out speech"
    ),
    "harness model memory models/ds2-mini": "harness model memory models/ds2-mini",
    "harness corpus languages": "harness corpus languages",
    "harness corpus synth --language it --train 20 --validation 10": (
        "harness corpus synth --language it --train 2 --validation 1"
    ),
    "harness corpus synth --language de --train 2 --validation 1 --out german": (
        "harness corpus synth --language de --train 2 --validation 1 --out german"
    ),
}
"""Command of a page that is no journey -> how the test calls it, where runs one and two lie."""

_FEW = "--set data.train=6 --set data.validation=3"
SMALLER: dict[str, str] = {
    "harness plan qa.yaml --farm virtual": _FEW,
    "harness run qa.yaml *": _FEW,
    "harness nightly night.yaml *": _FEW,
    "harness run rates.yaml *": f"{_FEW} --only trainer.sub_model=S8",
    "harness plan scenarios/quickstart.yaml *": f"{_FEW} --only data.speaker=ind-male",
}
"""Pattern of a journey's commands -> options that the test adds, so that they take seconds."""
