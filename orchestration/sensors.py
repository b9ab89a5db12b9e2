"""Sensors: what starts runs by itself. Each has a cursor or run keys; no file runs twice."""

import os
import time
from datetime import UTC, datetime

import dagster as dg

from assets.chain import Chain
from assets.dataset_file.models import Dataset
from assets.evidence import last_release
from assets.ingestion.inbox import arrivals
from assets.ports import Stores
from assets.review.files import waiting_reviews
from assets.runs import key
from orchestration.failed_runs import failed_run, note
from orchestration.label_studio_exchange import Cursor, exchange
from orchestration.label_studio_server import LabelStudioServer
from orchestration.project import Project

INTERVAL_SECONDS = 30
RUNNING = dg.DefaultSensorStatus.RUNNING


def inbox_sensor(chain: Chain, project: Project) -> dg.SensorDefinition:
    """One ingest run for each batch that lies complete in the inbox."""
    dataset = chain.dataset

    @dg.sensor(
        name=f"{dataset.name}_inbox",
        job_name=f"{dataset.name}_ingest",
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=RUNNING,
        description=f"Watches {project.inbox(dataset.name)}.",
    )
    def inbox() -> dg.SensorResult | dg.SkipReason:
        found = arrivals(
            project.inbox(dataset.name),
            dataset.ingestion.settle_seconds,
            time.time(),
            cache=project.cache(),
        )
        if not found:
            return dg.SkipReason("nothing complete in the inbox")
        return dg.SensorResult(
            run_requests=[dg.RunRequest(run_key=a.digest, partition_key=a.batch) for a in found],
            dynamic_partitions_requests=[chain.batches.build_add_request([a.batch for a in found])],
        )

    return inbox


def reviews_sensor(chain: Chain, project: Project) -> dg.SensorDefinition:
    """One import run for each new set of review files."""
    dataset = chain.dataset

    @dg.sensor(
        name=f"{dataset.name}_reviews",
        job_name=f"{dataset.name}_import_reviews",
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=RUNNING,
        description=f"Watches {project.reviews(dataset.name)}.",
    )
    def reviews() -> dg.RunRequest | dg.SkipReason:
        files = waiting_reviews(
            project.reviews(dataset.name), dataset.ingestion.settle_seconds, time.time()
        )
        if not files:
            return dg.SkipReason("no review file is waiting")
        return dg.RunRequest(run_key="-".join(sorted(f.sha256[:16] for f in files)))

    return reviews


def label_studio_sensor(chain: Chain, project: Project) -> dg.SensorDefinition:
    """Sends queue files to Label Studio, and drops what was answered there into reviews/NAME."""
    name = chain.dataset.name
    settings = project.settings.label_studio
    number = settings.projects[name]

    @dg.sensor(
        name=f"{name}_label_studio",
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=RUNNING,
        description=(
            f"Exchanges tasks and answers with project {number} of {settings.url}. "
            f"Answers go to {project.reviews(name)}, which {name}_reviews watches."
        ),
    )
    def label_studio(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        token = os.environ.get(settings.token_env)
        if not token:
            return dg.SkipReason(f"set {settings.token_env} in the environment: no access token")
        try:
            done = exchange(
                LabelStudioServer(url=settings.url or "", token=token),
                project=number,
                queue=project.queue(name),
                reviews=project.reviews(name),
                cursor=Cursor.read(context.cursor),
            )
        except (OSError, ValueError) as error:
            return dg.SkipReason(str(error))
        return dg.SensorResult(skip_reason=str(done), cursor=done.cursor.to_json())

    return label_studio


def drift_sensor(chain: Chain) -> dg.AssetSensorDefinition | dg.SensorDefinition:
    """A retraining run when a drift report says that a batch has drifted."""
    dataset = chain.dataset

    @dg.asset_sensor(
        asset_key=key(dataset, "drift"),
        name=f"{dataset.name}_drift",
        job_name=f"{dataset.name}_retrain",
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=RUNNING,
        description="Asks for retraining on the last release when a batch has drifted.",
    )
    def drift(
        _context: dg.SensorEvaluationContext,
        asset_event: dg.EventLogEntry,
        stores: dg.ResourceParam[Stores],
    ) -> dg.RunRequest | dg.SkipReason:
        materialization = asset_event.asset_materialization
        verdict = materialization.metadata["verdict"].value if materialization else None
        if verdict != "drift" or not dataset.retraining.on_drift:
            return dg.SkipReason(f"verdict: {verdict}")
        release = last_release(stores.of(dataset.name))
        if release is None:
            return dg.SkipReason("nothing is released yet")
        return dg.RunRequest(run_key=f"drift-{release[0]}")

    return drift


def failed_runs_sensor(project: Project) -> dg.SensorDefinition:
    """Writes every failed run down where `hallmark status` finds it."""

    @dg.run_failure_sensor(
        name="failed_runs",
        default_status=RUNNING,
        minimum_interval_seconds=INTERVAL_SECONDS,
        description="Notes failed runs for `hallmark status`, also when this history is pruned.",
    )
    def failed_runs(context: dg.RunFailureSensorContext) -> None:
        run = failed_run(
            context.dagster_run, datetime.now(UTC), context.failure_event.message or ""
        )
        note(project, run)

    return failed_runs


def automation_sensor(datasets: list[Dataset]) -> dg.AutomationConditionSensorDefinition:
    """Evaluates the automation conditions of the retraining assets of datasets that have them."""
    return dg.AutomationConditionSensorDefinition(
        "automation",
        target=dg.AssetSelection.assets(*(key(d, "training_set") for d in datasets)).downstream(),
        default_status=RUNNING,
        minimum_interval_seconds=INTERVAL_SECONDS,
        description="Asks for retraining after a release that passed its gate, where it is due.",
    )
