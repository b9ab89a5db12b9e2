"""What a project defines for Dagster: every valid dataset's chain, jobs, sensors and schedules."""

import warnings

import dagster as dg

from assets.chain import Chain, chain
from assets.dataset_file.faults import DatasetFileInvalid
from assets.dataset_file.loading import load_all
from orchestration.chat.endpoint import HttpChatEndpoints
from orchestration.jobs import dataset_jobs
from orchestration.label_studio import LabelStudio
from orchestration.project import Project
from orchestration.resources import DuckFrames, ProjectStores
from orchestration.sensors import (
    automation_sensor,
    drift_sensor,
    failed_runs_sensor,
    inbox_sensor,
    label_studio_sensor,
    reviews_sensor,
)
from orchestration.upkeep import janitor_job, replay_job, schedules

# backfill_policy is in beta; without it a re-labeling of all batches would be a run for each.
warnings.filterwarnings("ignore", category=dg.BetaWarning)

EXECUTORS = {
    "in_process": dg.in_process_executor,
    "multiprocess": dg.multiprocess_executor,
}


def definitions(project: Project) -> dg.Definitions:
    """All definitions of a project; a faulty dataset file takes no other dataset down."""
    loaded = load_all(project.datasets())
    chains = [chain(dataset, project.root) for dataset in loaded.datasets.values()]
    executor = EXECUTORS[project.settings.executor]
    jobs = [job for c in chains for job in dataset_jobs(c, executor)]
    upkeep = [job for c in chains for job in (replay_job(c), janitor_job(c))]
    trained = [c.dataset for c in chains if c.retrain]
    by_name = {job.name: job for job in [*jobs, *upkeep]}
    return dg.Definitions(
        assets=[*(a for c in chains for a in c.assets), *map(_faulty, loaded.invalid)],
        jobs=[*jobs, *upkeep],
        sensors=[
            *(s for c in chains for s in _sensors(c, project)),
            failed_runs_sensor(project),
            *([automation_sensor(trained)] if trained else []),
        ],
        schedules=[s for c in chains for s in schedules(c, by_name)],
        resources={
            "stores": ProjectStores(project),
            "project": project,
            "frames": DuckFrames(),
            "review_tool": LabelStudio(),
            "chat": HttpChatEndpoints(),
        },
    )


def _sensors(chain: Chain, project: Project) -> list[dg.SensorDefinition]:
    trained = [drift_sensor(chain)] if chain.retrain else []
    tool = project.settings.label_studio
    asked = tool.url is not None and chain.dataset.name in tool.projects
    exchanged = [label_studio_sensor(chain, project)] if asked else []
    return [inbox_sensor(chain, project), reviews_sensor(chain, project), *exchanged, *trained]


def _faulty(invalid: DatasetFileInvalid) -> dg.AssetSpec:
    """What the UI shows in place of a dataset whose file has faults."""
    return dg.AssetSpec(
        dg.AssetKey([invalid.path.stem, "dataset_file"]),
        group_name="faulty_dataset_files",
        description=f"This dataset is not loaded. {invalid}",
        kinds={"yaml"},
    )
