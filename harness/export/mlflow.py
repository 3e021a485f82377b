"""A run as an MLflow experiment: one MLflow run an attempt (needs the extra ``mlflow``)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from harness.errors import InputError
from harness.export.frames import Run
from harness.export.safe_cells import safe_mapping
from harness.results.model import AttemptResult, ExitsRecord, StreamingRecord
from harness.results.names import safe_name

ORIGIN_TAG = "mobileasr.attempt"
"""Names the attempt, so that a second export adds nothing."""

_METRICS = (
    *("wer_before_percent", "wer_after_percent", "minutes_per_epoch", "peak_rss_mb", "need_mb"),
    *("measured_need_mb", "load_peak_mb", "train_peak_mb", "seconds"),
)


ARTIFACTS = (
    *("result.json", "job.json", "events.jsonl", "hypotheses.jsonl", "others.jsonl"),
    *("exits.jsonl", "samples.parquet"),
)
"""Files of an attempt that become artifacts; the raw samples and the phone's own log do not."""


def export(
    run: Run, store: str, experiment: str | None = None, *, artifacts: bool = True
) -> tuple[int, int]:
    """Write a run's attempts to an MLflow store.

    Args:
        run: What to write.
        store: A tracking URI: ``sqlite:///mlflow.db``, ``http://...``.
        experiment: Its name; None = the scenario's.
        artifacts: Also the files of each attempt (`ARTIFACTS`), and the report of its run.

    Returns:
        How many attempts were written, and how many were there already.

    Raises:
        InputError: MLflow is not installed, or refuses the store.
    """
    try:
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
    except ImportError as error:
        raise InputError(
            "MLflow is not installed",
            hint="Install the extra [mlflow], in a checkout: pip install -e '.[mlflow]'",
        ) from error
    try:
        client = MlflowClient(tracking_uri=store)
        return _export(client, run, experiment or run.record.name, artifacts=artifacts)
    except MlflowException as error:
        raise InputError(str(error), where=store) from error


def _export(client: Any, run: Run, experiment: str, *, artifacts: bool) -> tuple[int, int]:
    known = client.get_experiment_by_name(experiment)
    experiment_id = known.experiment_id if known else client.create_experiment(experiment)
    there = set(_origins(client, experiment_id))
    written = skipped = 0
    for folder in run.folder.attempts():
        result = folder.result()
        origin = f"{result.run_id}/{result.job_id}/{result.attempt}"
        if origin in there:
            skipped += 1
            continue
        made = _write(client, experiment_id, result, origin, run.record.versions.get("commit"))
        if run.scoring is not None and result.kept_epoch is not None:
            figures = run.scoring.figures(folder.hypotheses(), result.kept_epoch)
            for name, value in figures.items():
                client.log_metric(made, name, value)
        if artifacts:
            files = [folder.path / name for name in ARTIFACTS]
            for path in (*files, run.folder.report_path):
                if path.is_file():
                    client.log_artifact(made, str(path))
        written += 1
    return written, skipped


def _origins(client: Any, experiment_id: str) -> Iterator[str | None]:
    token = None
    while True:
        page = client.search_runs([experiment_id], max_results=1000, page_token=token)
        for known_run in page:
            yield known_run.data.tags.get(ORIGIN_TAG)
        token = page.token
        if not token:
            return


def _write(
    client: Any, experiment_id: str, result: AttemptResult, origin: str, commit: str | None
) -> str:
    """Write one attempt; return what MLflow calls it."""
    # Python 3.10 does not read the Z
    begun = datetime.fromisoformat(result.started_utc.replace("Z", "+00:00"))
    begun_ms = round(begun.timestamp() * 1000)
    made: str = client.create_run(
        experiment_id,
        start_time=begun_ms,
        run_name=f"{result.job_id} {result.attempt}",
        tags={
            ORIGIN_TAG: origin,
            **safe_mapping(
                {
                    "mobileasr.run": result.run_id,
                    **({"mobileasr.commit": commit} if commit else {}),
                    "mobileasr.origin": result.phone.origin,
                    "mobileasr.phone": f"{result.phone.profile} {result.phone.serial}",
                    "mobileasr.status": result.failure.kind if result.failure else result.status,
                }
            ),
        },
    ).info.run_id
    chosen = result.selection.sub_model if result.selection else None
    params = {
        "model": result.model_name,
        "speaker": result.speaker,
        "batch_size": result.batch_size,
        "learning_rate": result.learning_rate,
        "epochs": result.epochs_planned,
        "stop_policy": result.stop_policy,
        "sub_model": chosen,
        "phone": result.phone.profile,
        "serial": result.phone.serial,
        "android": result.phone.android,
        "pressure": result.pressure.goal if result.pressure else "none",
        **({"pressure_goal_mb": result.pressure.goal_mb} if result.pressure else {}),
        "round": result.round,
        "repeat": result.repeat,
        **({"exits": result.exits.label} if result.exits else {}),
        **({"beam": result.streaming.beam} if result.streaming else {}),
        **result.axes,
    }
    for key, value in safe_mapping(params).items():
        client.log_param(made, key, value)
    for epoch in result.epochs:
        client.log_metric(made, "wer_percent", epoch.wer_percent, step=epoch.epoch)
        if epoch.train_loss is not None:
            client.log_metric(made, "train_loss", epoch.train_loss, step=epoch.epoch)
    for name in _METRICS:
        value = getattr(result, name)
        if value is not None:
            client.log_metric(made, name, value)
    for name, value in _exit_metrics(result.exits) if result.exits else ():
        client.log_metric(made, name, value)
    for name, value in _streaming_metrics(result.streaming) if result.streaming else ():
        client.log_metric(made, name, value)
    status = "FINISHED" if result.status == "finished" else "FAILED"
    client.set_terminated(made, status, begun_ms + round(result.seconds * 1000))
    return made


def _streaming_metrics(streaming: StreamingRecord) -> Iterator[tuple[str, float]]:
    """Yield what hearing utterances while they went on cost; what is not known is not."""
    told = {
        "real_time_factor": streaming.real_time_factor,
        "step_ms": streaming.step_ms,
        "last_word_ms_median": streaming.last_word_ms_median,
        "last_word_ms_p90": streaming.last_word_ms_p90,
    }
    for name, value in told.items():
        if value is not None:
            yield name, value


def _exit_metrics(exits: ExitsRecord) -> Iterator[tuple[str, float]]:
    """Yield what leaving early came to, of all utterances and by exit; what is not known is not."""
    told = {
        "exits_wer_percent": exits.wer_percent,
        "exits_mean_depth": exits.mean_depth,
        "exits_mean_segments": exits.mean_segments,
        "exits_mean_seconds": exits.mean_seconds,
        "exits_mean_rule_seconds": exits.mean_rule_seconds,
    }
    for exit_ in exits.by_exit:
        name = safe_name(exit_.exit)
        told |= {
            f"{name}_share_percent": exit_.share_percent,
            f"{name}_wer_percent": exit_.wer_percent,
            f"{name}_seconds": exit_.seconds,
            f"{name}_rule_seconds": exit_.rule_seconds,
        }
    for name, value in told.items():
        if value is not None:
            yield name, value
