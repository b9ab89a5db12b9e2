"""Publishing: one run's branch becomes main, audited, once, however often it is tried."""

from collections.abc import Callable, Mapping, Sequence

import dagster as dg

from assets.dataset_file.models import Dataset
from assets.errors import MainMoved
from assets.metadata import commit_metadata
from assets.ports import Commit, ProjectFolder, RunBranch, Stores
from assets.runs import Run, group, key, open_run, owners

POOL = "publish"
TRIES = 5

Audit = Callable[[RunBranch], Mapping[str, str]]


def publish(run: Run, *, message: str, asset: str, audit: Audit) -> Commit:
    """Merge the run's branch to main: find the merge that was, or update, audit, merge.

    A branch that changes nothing is not merged; main's commit comes back.

    When main moves between the audit and the merge, the branch is brought up to date and
    audited again, a few times; then MainMoved goes up.

    Args:
        run: The run.
        message: Message of the merge.
        asset: Name of the asset that publishes, for the commit's metadata.
        audit: Looks at what will really be published; raises to stop it, or returns facts for
            the commit's metadata.
    """
    done = run.store.published(run.id)
    if done is not None:
        return done
    if not run.store.changes(run.store.head(), run.head()):
        return run.store.commit_at("main")
    for attempt in range(TRIES):
        branch = run.store.update(run.branch.name)
        facts = {"asset": asset, "dataset": run.dataset.name, **audit(branch)}
        try:
            return run.store.publish(branch, run.id, message=message, metadata=facts)
        except MainMoved:
            if attempt == TRIES - 1:
                raise
    raise AssertionError("unreachable: the last try returns or raises")


def publication_asset(
    dataset: Dataset,
    name: str,
    *,
    stage: str,
    description: str,
    deps: Sequence[dg.AssetDep],
    partitions: dg.PartitionsDefinition[str] | None,
    after: Callable[[ProjectFolder, Run, str], None],
) -> dg.AssetsDefinition:
    """An asset that publishes what its run wrote, once the run's blocking checks passed.

    Args:
        dataset: The dataset.
        name: The asset's name.
        stage: Its group.
        description: What people read.
        deps: The assets whose checks must pass before.
        partitions: Partitions of the run, or None.
        after: Called with main's commit when it is published: marks files as taken.
    """

    @dg.asset(
        key=key(dataset, name),
        deps=deps,
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run() if partitions else None,
        group_name=group(dataset, stage),
        owners=owners(dataset),
        kinds={"lakefs"},
        pool=f"{POOL}_{dataset.name}",
        description=description,
    )
    def published(
        context: dg.AssetExecutionContext,
        stores: dg.ResourceParam[Stores],
        project: dg.ResourceParam[ProjectFolder],
    ) -> dg.MaterializeResult:
        run = open_run(context, stores, dataset)
        keys = list(context.partition_keys) if context.has_partition_key else []
        commit = publish(
            run,
            message=f"{name}: {', '.join(keys) or 'files of people'}",
            asset=name,
            audit=lambda branch: {"audited": branch.base},
        )
        after(project, run, commit.id)
        run.store.drop_branch(run.branch.name)
        context.log.info("main is at %s", commit.id)
        return dg.MaterializeResult(metadata=commit_metadata(run, commit.id))

    return published
