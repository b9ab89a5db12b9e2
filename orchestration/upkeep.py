"""Upkeep: the nightly snapshot, the replay of a release, the janitor of orphan branches."""

import random
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from assets.chain import Chain
from assets.ports import DatasetStore, Stores
from assets.replay import replay

RUNNING = dg.DefaultScheduleStatus.RUNNING
ORPHAN_DAYS = 7
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def nightly_snapshot(chain: Chain, job: Any) -> dg.ScheduleDefinition:
    """The snapshot of every night."""
    return dg.ScheduleDefinition(
        name=f"{chain.dataset.name}_nightly_snapshot",
        job=job,
        cron_schedule="0 2 * * *",
        execution_timezone="UTC",
        default_status=RUNNING,
        description="Folds all votes every night; a snapshot that changes nothing is no release.",
    )


def replay_job(chain: Chain) -> dg.JobDefinition:
    """Makes the labels of one release again, chosen at random, and fails where they differ."""
    name = chain.dataset.name

    @dg.op(name=f"{name}_replay_release")
    def replay_release(context: dg.OpExecutionContext, stores: dg.ResourceParam[Stores]) -> None:
        store = stores.of(name)
        releases = list(store.releases())
        if not releases:
            context.log.info("nothing is released yet")
            return
        release = random.Random(context.run.run_id).choice(releases)  # noqa: S311 - no secret
        found = replay(store, release)
        context.log.info(
            "%s: %d items compared, %d differ", release, found.n_items, len(found.differing)
        )
        if not found.matches:
            code = "the same code" if found.same_code else "other code than made it"
            raise dg.Failure(
                f"{release} does not replay with {code}: {len(found.differing)} items differ, "
                f"for example {found.differing[:3]}",
                allow_retries=False,
            )

    @dg.job(
        name=f"{name}_replay",
        description="A release's labels, made again and compared.",
        tags={"hallmark/dataset": name, "hallmark/job": "replay"},
    )
    def job() -> None:
        replay_release()

    return job


def janitor_job(chain: Chain) -> dg.JobDefinition:
    """Drops run branches that nobody looked at for a week."""
    name = chain.dataset.name

    @dg.op(name=f"{name}_drop_orphans", config_schema={"days": dg.Field(int, ORPHAN_DAYS)})
    def drop_orphans(context: dg.OpExecutionContext, stores: dg.ResourceParam[Stores]) -> None:
        before = datetime.now(UTC) - timedelta(days=int(context.op_config["days"]))
        alive = branches_in_use(context.instance)
        for branch in drop_orphan_branches(stores.of(name), before=before, alive=alive):
            context.log.info("dropped %s", branch)

    @dg.job(
        name=f"{name}_janitor",
        description="Run branches older than a week are dropped.",
        tags={"hallmark/dataset": name, "hallmark/job": "janitor"},
    )
    def job() -> None:
        drop_orphans()

    return job


def branches_in_use(instance: dg.DagsterInstance) -> set[str]:
    """Branches of the runs that Dagster has under way or waiting."""
    runs = instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
    return {f"run-{run.root_run_id or run.run_id}" for run in runs}


def drop_orphan_branches(
    store: DatasetStore, *, before: datetime, alive: Collection[str] = ()
) -> list[str]:
    """Drop what runs left that nobody touched since and that are not under way; the names."""
    orphans = [name for name in store.leftovers(before) if name not in alive]
    for name in orphans:
        store.drop_branch(name)
    return orphans


def schedules(chain: Chain, jobs: dict[str, Any]) -> list[dg.ScheduleDefinition]:
    """All schedules of a dataset, by its jobs."""
    name = chain.dataset.name
    return [
        nightly_snapshot(chain, jobs[f"{name}_snapshot"]),
        dg.ScheduleDefinition(
            name=f"{name}_nightly_replay",
            job=jobs[f"{name}_replay"],
            cron_schedule="0 4 * * *",
            execution_timezone="UTC",
            default_status=RUNNING,
            description="Makes the labels of one release again, chosen at random, and compares.",
        ),
        dg.ScheduleDefinition(
            name=f"{name}_janitor",
            job=jobs[f"{name}_janitor"],
            cron_schedule="0 5 * * *",
            execution_timezone="UTC",
            default_status=RUNNING,
            description=f"Drops run branches that nobody touched for {ORPHAN_DAYS} days.",
        ),
    ]
