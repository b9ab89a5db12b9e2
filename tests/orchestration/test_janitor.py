from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from orchestration.store.dataset import LakeFSStore
from orchestration.store.merging import side_branch
from orchestration.store.stores import LakeFSStores
from orchestration.upkeep import branches_in_use, drop_orphan_branches

LATER = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def store(stores: LakeFSStores) -> LakeFSStore:
    store = stores.of("digits_small")
    store.write(store.branch("done").name, {"a": b"1"}, message="m")
    return store


def test_what_runs_left_goes_once_it_is_old(store: LakeFSStore) -> None:
    assert drop_orphan_branches(store, before=datetime.now(UTC) - timedelta(days=1)) == []
    with side_branch(store.repository, "main") as side:
        assert sorted(drop_orphan_branches(store, before=LATER)) == ["run-done", side]
    assert list(store.repository.branches("")) == ["main"]


def test_the_branch_of_a_run_under_way_stays_however_old(store: LakeFSStore) -> None:
    assert drop_orphan_branches(store, before=LATER, alive={"run-done"}) == []


def test_a_re_execution_uses_the_branch_of_the_run_that_it_repeats() -> None:
    with dg.DagsterInstance.ephemeral() as instance:

        @dg.job
        def nothing() -> None:
            pass

        first = instance.create_run_for_job(nothing)
        assert branches_in_use(instance) == {f"run-{first.run_id}"}
        again = instance.create_run_for_job(
            nothing, root_run_id=first.run_id, parent_run_id=first.run_id
        )
        instance.report_run_failed(first)
        assert branches_in_use(instance) == {f"run-{first.run_id}"}
        instance.report_run_failed(again)
        assert branches_in_use(instance) == set()
