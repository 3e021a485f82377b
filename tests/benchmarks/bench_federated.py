"""Federated training at size and under kills: ``script/bench federated WHAT``.

``aggregate``: full-size weights of several clients become one model: CPU seconds and peak memory,
as a ratio to what plain numpy takes for the same statistic, for each strategy. ``kills``: a run on
virtual phones whose host is killed at random moments, and whose adb server may die with it, comes
to the bits of an undisturbed one. ``clients``: many clients on many phones that replay a training.
``simulate``: many more on simulated phones, some of which are lost, by the real scheduler.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from harness.federated.aggregate import aggregate
from harness.federated.arrived import Answer
from harness.federated.strategies import Values
from harness.results.federated import models_of
from harness.scenario.federated import Federated
from harness.trainer.checkpoints import write_weights
from harness.trainer.device import peak_rss_mb, rss_mb
from tests.benchmarks.lab_farm import cpu_s, memory_mb
from tests.chaos.federated import federated_host, prove_kills
from tests.chaos.lab import ChaosLab, chaos_lab
from tests.fixtures.federated import SPEAKERS, write_scenario
from tests.simulation.federated import FederatedRun
from tests.simulation.world import Size

VARIABLES = 24
STRATEGIES = {"fedavg": "mean", "fedadam": "mean", "trimmed": "trimmed", "median": "median"}
"""Strategy -> what plain numpy makes of the same answers."""


# -- making one model of many ---------------------------------------------------------------------


def bench_aggregate(millions: float, clients: int, folder: Path) -> dict[str, Any]:
    """Measure how one model is made of many.

    Args:
        millions: Weights of a model.
        clients: How many.
        folder: For their files.
    """
    each = int(millions * 1e6 / VARIABLES)
    start = _weights(folder / "start.npz", each, 0)
    answers = [
        Answer(f"c{n}", _weights(folder / f"c{n}.npz", each, n + 1), 10 + n) for n in range(clients)
    ]
    model_mb = start.stat().st_size / 2**20

    def plain_mean() -> None:
        total = sum(answer.utterances for answer in answers)
        with np.load(start) as sent:
            mean = {name: np.zeros(sent[name].shape) for name in sent.files}
        for answer in answers:
            with np.load(answer.path) as stored:
                for name in stored.files:
                    mean[name] += stored[name] * (answer.utterances / total)
        np.savez(folder / "plain.npz", **{n: v.astype(np.float32) for n, v in mean.items()})

    def plain_robust(of: Callable[[Values], Values]) -> None:
        stored = [np.load(answer.path) for answer in answers]
        made = {name: of(np.stack([each[name] for each in stored])) for name in stored[0].files}
        np.savez(folder / "plain.npz", **made)

    def trimmed(stack: Values) -> Values:
        cut = int(Federated.model_validate({"strategy": "trimmed"}).strategy.trim * clients)
        middle: Values = np.sort(stack, axis=0)[cut : clients - cut].mean(axis=0)
        return middle

    def median(stack: Values) -> Values:
        return np.asarray(np.median(stack, axis=0))

    plain = {
        "mean": plain_mean,
        "trimmed": lambda: plain_robust(trimmed),
        "median": lambda: plain_robust(median),
    }
    rows: dict[str, dict[str, float]] = {}
    for name, work in plain.items():
        seconds, peak_mb = _measured(work)
        rows[f"numpy, {name}"] = {"cpu_s": seconds, "peak_models": peak_mb / model_mb}
    for strategy, of in STRATEGIES.items():
        settings = Federated.model_validate({"strategy": strategy})

        def ours(settings: Federated = settings) -> None:
            aggregate(
                start,
                answers,
                settings,
                round_=1,
                moments=None,
                model=folder / "model.npz",
                moments_out=folder / "moments.npz",
            )

        seconds, peak_mb = _measured(ours)
        rows[strategy] = {
            "cpu_s": seconds,
            "cpu_of_numpy": seconds / rows[f"numpy, {of}"]["cpu_s"],
            "peak_models": peak_mb / model_mb,
        }
    return {"model_mb": model_mb, "clients": clients, "rows": rows}


def _weights(path: Path, each: int, seed: int) -> Path:
    rng = np.random.default_rng(seed)
    write_weights(
        path, ((f"v{n:02d}", rng.random(each, dtype=np.float32)) for n in range(VARIABLES))
    )
    return path


def _measured(work: Callable[[], None]) -> tuple[float, float]:
    """Return CPU seconds and how much resident memory grew at its highest, in MiB."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # a process of its own: memory that another left behind does not count
        Path("/proc/self/clear_refs").write_text("5")  # resets the highest
        before, begun = rss_mb() or 0.0, time.process_time()
        work()
        told = (time.process_time() - begun, (peak_rss_mb() or 0.0) - before)
        os.write(writer, json.dumps(told).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    seconds, peak_mb = json.loads(text)
    return float(seconds), float(peak_mb)


# -- many clients on many phones ------------------------------------------------------------------


def bench_clients(lab: ChaosLab, clients: int, rounds: int) -> dict[str, Any]:
    """Run many clients on phones that replay a training; measure the host.

    Args:
        lab: Phones that replay.
        clients: How many, each a speaker.
        rounds: Of training; the models are evaluated at the start and in the end.
    """
    names = tuple(_names(clients))
    text = f"federated: {{rounds: {rounds}, evaluate_every: {rounds}, min_answers: 1}}\n"
    write_scenario(lab.folder, text, speakers=names, model="ds2-mini", batch_size=5)
    begun = time.monotonic()
    peak_mb = cpu = 0.0
    with federated_host(lab) as host:
        while host.poll() is None:
            time.sleep(2.0)
            peak_mb, cpu = max(peak_mb, memory_mb(host.pid, "Rss")), cpu_s(host.pid) or cpu
    run = lab.runs / "r"
    models = models_of(run)
    jobs = clients * (rounds + 2)
    return {
        "clients": clients,
        "phones": len(lab.adb_serials),
        "rounds": len(models) - 1,
        "answers": sum(len(model.answers) for model in models),
        "exit_code": host.returncode,
        "minutes": (time.monotonic() - begun) / 60,
        "host_cpu_s": cpu,
        "host_cpu_s_a_job": cpu / jobs,
        "host_peak_mb": peak_mb,
        "model_mb": (models[0].size_bytes or 0) / 2**20,
    }


def _names(count: int) -> Iterator[str]:
    yield from SPEAKERS[:count]
    for number in range(len(SPEAKERS), count):
        yield f"client-{number:04d}"


# -- simulated ------------------------------------------------------------------------------------


def simulate(phones: int, clients: int, rounds: int, deaths: int, seed: int) -> dict[str, Any]:
    """Run many clients on simulated phones; an AssertionError says what must not happen.

    Args:
        phones: Phones; twenty to a lab host, each fails about every two hours.
        clients: Half of them are asked in each round.
        rounds: Of training.
        deaths: Of the coordinator at most.
        seed: Everything follows from it.
    """
    begun = time.process_time()
    size = Size(phones=phones, hosts=max(1, phones // 20), deaths=deaths, calm_s=7200.0)
    run = FederatedRun(size, seed, clients, rounds, check_every=50)
    outcome = run.go()
    return {
        "clients": clients,
        "phones": phones,
        "rounds": len(run.models),
        "jobs": outcome.jobs,
        "late": run.late,
        "late_and_stopped": outcome.stopped,
        "by_quorum": outcome.by_quorum,
        "deaths": run.deaths,
        "rejoined": outcome.rejoined,
        "simulated_days": outcome.days,
        "cpu_s": time.process_time() - begun,
    }


def main() -> int:
    """Measure; exit code 1 if something did not come out as it must."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("aggregate", "kills", "clients", "simulate"))
    parser.add_argument("--millions", type=float, default=30.25, help="weights of a model")
    parser.add_argument("--clients", type=int, help="10; simulated: 1000")
    parser.add_argument("--phones", type=int, help="2; simulated: 200")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    simulated = options.what == "simulate"
    options.clients = options.clients or (1000 if simulated else 10)
    options.phones = options.phones or (200 if simulated else 2)
    with tempfile.TemporaryDirectory(prefix="federated-") as name:
        folder = Path(name)
        if simulated:
            told = simulate(
                options.phones, options.clients, options.rounds, options.kills, options.seed
            )
            good = told["rounds"] == options.rounds
        elif options.what == "aggregate":
            told = bench_aggregate(options.millions, options.clients, folder)
            good = True
        elif options.what == "kills":
            with chaos_lab(folder, options.phones, None) as lab:
                told = prove_kills(lab, options.rounds, options.kills, options.seed)
            good = told["same_bits"] and not told["finished_twice"] and not told["exit_code"]
        else:
            with chaos_lab(folder, options.phones, 50.0) as lab:
                told = bench_clients(lab, options.clients, options.rounds)
            good = told["rounds"] == options.rounds and not told["exit_code"]
        print(json.dumps(told, indent=1))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
