"""What goes wrong in the middle of a run: main stays as it was, and the run can be completed."""

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from assets.errors import StoreUnavailable
from assets.retraining import NotReleased, released_training_set
from orchestration.resources import dagster_instance
from orchestration.runner import RunFailed
from orchestration.store.dataset import LakeFSStore

HERE = Path(__file__).parent
CHANGED = ("classes: [setosa, versicolor, virginica]", "classes: [setosa, versicolor, other]")


@pytest.fixture
def snapshot_job(irises, monkeypatch):
    """The module snapshot_job.py on a copy of the project with new votes to release."""
    irises.vote("zoe", irises.sure_setosa(), "virginica")
    irises.run("import_reviews")
    monkeypatch.setenv("HALLMARK_PROJECT", str(irises.root))
    spec = importlib.util.spec_from_file_location("snapshot_job", HERE / "snapshot_job.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "snapshot_job", module)
    monkeypatch.syspath_prepend(str(HERE))
    spec.loader.exec_module(module)
    return module


def in_a_child(*arguments):
    """Dagster keeps a job's definition for the life of a process: a new project, a new child."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE.parents[2]), str(HERE)])}
    command = [sys.executable, str(HERE / "snapshot_job.py"), *arguments]
    return subprocess.run(command, env=environment, check=False, capture_output=True)


def published_by(store, run_id):
    merges = [c for c in store.log(limit=50) if "receipt_sha256" in c.metadata]
    return [c.id for c in merges if c.metadata["run_id"] == run_id]


def test_a_run_that_lost_lakefs_is_completed_by_a_re_execution(irises, snapshot_job, monkeypatch):
    before, write = irises.store.head(), LakeFSStore.write

    def gone(self, branch, objects, *, message, **more):
        if message == "Candidate snapshot":
            raise StoreUnavailable("irises", "write", "no answer after every retry")
        return write(self, branch, objects, message=message, **more)

    monkeypatch.setattr(LakeFSStore, "write", gone)
    failed = snapshot_job.execute()
    assert not failed.success
    assert irises.store.head() == before
    monkeypatch.setattr(LakeFSStore, "write", write)
    completed = snapshot_job.execute(again=failed.run_id)
    assert completed.success
    executed = {e.step_key.split("__")[-1] for e in completed.all_events if e.is_step_start}
    assert executed == {"snapshot", "release"}
    assert list(irises.store.releases()) == ["v0001", "v0002"]


@pytest.mark.usefixtures("snapshot_job")
def test_a_run_killed_between_merge_and_tag_is_completed_once(irises):
    killed = in_a_child()
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]
    assert list(irises.store.releases()) == ["v0001"]
    instance = dagster_instance(irises.project)
    (run,) = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    # What the daemon's run monitoring does with a run whose process is gone.
    instance.report_run_failed(run)
    instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    completed = in_a_child(run.run_id)
    assert completed.returncode == 0, completed.stderr[-2000:]
    assert list(irises.store.releases()) == ["v0001", "v0002"]
    assert published_by(irises.store, run.run_id) == [irises.store.releases()["v0002"]]


def test_votes_for_a_class_that_is_gone_are_set_aside_and_kept(irises):
    text = irises.dataset_path.read_text(encoding="utf-8")
    changed = text.replace(*CHANGED).replace('version: "1"', 'version: "2"')
    irises.dataset_path.write_text(changed, encoding="utf-8")
    done = irises.run("snapshot")
    assert "consensus.every_vote_names_a_known_item_and_class" in done.failed_checks
    at = irises.store.head()
    labels = irises.store.table(at, "labels/").collect()
    assert "virginica" not in labels["label"].to_list()
    votes = irises.store.table(at, "votes/").collect()
    assert "virginica" in votes["label"].to_list()
    history = irises.store.table(at, "history/").filter(pl.col("release") == "v0002").collect()
    lost = history.filter(pl.col("from_label") == "virginica")
    assert set(lost["cause"]) == {"ontology"}


def test_votes_on_unknown_items_and_classes_are_rejected_and_the_rest_taken(irises):
    known = irises.sure_setosa()
    irises.vote("zoe", "f" * 64, "setosa")
    irises.vote("zoe", known, "rosa")
    irises.vote("zoe", known, "setosa")
    done = irises.run("import_reviews")
    books = done.metadata["human_votes"]
    assert (books["tasks_in"], books["accepted"], books["rejected"]) == (3, 1, 2)
    rejects = irises.store.table(irises.store.head(), "rejects/review=").collect()
    assert rejects.height == 2
    assert all(rejects["reason"].str.len_chars() > 10)


def test_a_review_file_that_cannot_be_read_is_kept_and_the_others_are_taken(irises):
    irises.drop_review("broken.json", b"\x00\xff no export")
    irises.vote("zoe", irises.sure_setosa(), "setosa")
    books = irises.run("import_reviews").metadata["human_votes"]
    assert "broken.json" in books["files_unreadable"]
    assert books["accepted"] == 1
    kept = [o.path for o in irises.store.listing(irises.store.head(), "raw/reviews/")]
    assert any(path.endswith("/broken.json") for path in kept)


def test_a_labeler_that_cannot_vote_costs_its_own_votes_only(irises):
    (irises.root / "labeling" / "irises.py").write_text("import nothing_of_this_name\n")
    header = "sepal_length,sepal_width,petal_length,petal_width"
    (irises.inbox / "late.csv").write_text(f"{header}\n1.1,2.2,3.3,4.4\n7.1,2.2,5.3,1.9\n")
    words = ("ingest", "--now", "--project", str(irises.root))
    done = subprocess.run(
        [sys.executable, "-m", "orchestration", *words],
        env=os.environ | {"PYTHONPATH": str(HERE.parents[2])},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "votes_rules.no_actor_failed_on_an_item" in done.stderr
    assert "nothing_of_this_name" in done.stderr
    assert irises.store.table(irises.store.head(), "items/").collect().height == 89 + 2


def test_two_files_with_the_same_items_hold_them_once(irises):
    already = irises.store.table(irises.store.head(), "items/").collect()
    from_first = irises.store.read(irises.store.head(), _raw(irises)).decode()
    found = irises.ingest(again_csv=from_first)
    assert found.metadata["items"]["taken"] == 0
    assert irises.store.table(irises.store.head(), "items/").collect().height == already.height


def _raw(irises):
    paths = [o.path for o in irises.store.listing(irises.store.head(), "raw/")]
    return next(path for path in paths if path.endswith("monday.csv"))


def test_a_bad_row_in_the_middle_is_set_aside_and_a_truncated_file_refused(irises):
    rows = [f"{n / 7:.3f},{n / 9:.3f},{n / 11:.3f},{n / 13:.3f}" for n in range(1, 21)]
    rows[9] = "1.0,2.0"
    header = "sepal_length,sepal_width,petal_length,petal_width"
    found = irises.ingest(late_csv="\n".join([header, *rows]) + "\n").metadata["items"]
    assert (found["taken"], found["rejected"]) == (19, 1)
    before = irises.store.head()
    with pytest.raises(RunFailed, match="items"):
        irises.ingest(cut_parquet=b"PAR1 and no more")
    assert irises.store.head() == before


def test_a_full_disk_leaves_inbox_and_main_as_they_were(irises, monkeypatch):
    before = irises.store.head()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("assets.ingestion.preparation.Preparation.finish", full)
    with pytest.raises(RunFailed, match=r"(?i)space"):
        irises.ingest(late_csv="sepal_length,sepal_width,petal_length,petal_width\n1,2,3,4\n")
    assert irises.store.head() == before
    assert (irises.inbox / "late.csv").exists()


def test_nothing_but_a_release_with_a_holding_receipt_is_trained_on(irises):
    for ref in ("main", irises.store.head(), "v0009"):
        with pytest.raises(NotReleased):
            released_training_set(irises.store, irises.dataset, ref)
    assert released_training_set(irises.store, irises.dataset, "v0001").labels.height > 0
