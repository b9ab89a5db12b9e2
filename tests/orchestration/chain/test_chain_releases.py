"""From the inbox to three releases and a refusal: what the chain claims of them."""

import json

import polars as pl

from assets.gate import RECEIPT
from assets.recipe import RECIPE, digest
from assets.release import receipt_holds
from assets.replay import replay
from assets.tracing import trace_item
from orchestration import frames
from quality.lineage.buckets import bucket_of, bucket_path

FUNCTIONS = ("function:by_petal_area", "function:by_petal_length", "function:by_petal_width")


def asked(story, sql, at="main"):
    return frames.query(story.told.store, sql, at)


def test_every_release_is_one_tag_on_one_commit_of_main(story):
    on_main = {commit.id: commit for commit in story.told.store.log("main")}
    releases = story.told.store.releases()
    assert list(releases) == ["v0001", "v0002", "v0003"]
    assert [on_main[at].metadata["release"] for at in releases.values()] == list(releases)


def test_a_release_carries_a_passing_receipt_for_exactly_its_data(story):
    for commit in story.told.store.releases().values():
        assert receipt_holds(story.told.store, commit)


def test_a_receipt_of_other_data_does_not_hold(story):
    later = story.told.store.log("main")[0].id
    ingested = next(c.id for c in story.told.store.log("main") if "audited" in c.metadata)
    assert receipt_holds(story.told.store, later)
    assert not receipt_holds(story.told.store, ingested)


def test_the_merge_names_run_recipe_receipt_and_assets(story):
    store, released = story.told.store, story.second
    at = store.releases()["v0002"]
    told = store.commit_at(at).metadata
    assert told["run_id"] == released.run_id
    assert told["recipe_sha256"] == digest(json.loads(store.read(at, RECIPE)))
    assert told["receipt_sha256"] == digest(json.loads(store.read(at, RECEIPT)))
    assert {"consensus", "snapshot", "release"} <= set(told["asset_keys"].split())


def test_states_follow_from_the_votes_alone(story):
    """Weight 4 a person and 1 a rule: a lone person outweighs three rules."""
    votes = asked(
        story,
        "SELECT item_id, actor_kind, label FROM votes WHERE actor NOT LIKE '%zoe' "
        "AND actor NOT LIKE '%mia' AND kind <> 'retract'",
    )
    weight = pl.when(pl.col("actor_kind") == "human").then(4).otherwise(1)
    weighed = votes.group_by("item_id", "label").agg(weight.sum().alias("weight"))
    shares = weighed.with_columns(share=pl.col("weight") / pl.col("weight").sum().over("item_id"))
    heaviest = shares.filter(pl.col("share") == pl.col("share").max().over("item_id"))
    people = set(votes.filter(pl.col("actor_kind") == "human")["item_id"])
    expected = {
        item: "disputed" if n > 1 or share < 0.55 else "human" if item in people else "auto"
        for item, n, share in heaviest.group_by("item_id")
        .agg(pl.len(), pl.col("share").first().alias("s"))
        .iter_rows()
    }
    found = dict(asked(story, "SELECT item_id, state FROM labels").iter_rows())
    assert found == expected
    assert {"auto", "human"} <= set(found.values())


def test_a_trace_names_every_vote_and_every_cause(story):
    found = trace_item(story.told.store, story.doubted, at="main")
    assert [v.actor for v in found.votes if v.counts] == sorted(FUNCTIONS)
    (zoes,) = (v for v in found.votes if v.actor == "human:zoe" and v.kind != "retract")
    (taken_back,) = (v for v in found.votes if v.kind == "retract")
    assert (zoes.fate, taken_back.retracts) == ("retracted", zoes.vote_id)
    changes = [(c.release, c.from_label, c.to_label, c.cause) for c in found.changes]
    assert changes == [
        ("v0001", None, "setosa", "new_item"),
        ("v0002", "setosa", "virginica", "review"),
        ("v0003", "virginica", "setosa", "retraction"),
    ]
    assert found.changes[1].caused_by == (zoes.vote_id,)
    assert found.changes[2].caused_by == (taken_back.vote_id,)


def test_a_vote_traces_to_the_bytes_it_came_in(story):
    store = story.told.store
    vote = next(v for v in trace_item(store, story.doubted, at="main").votes if v.origin)
    kept = [o.path for o in store.listing(store.head(), "raw/reviews/")]
    place = f"raw/reviews/{vote.origin['file_sha256'][:16]}/"
    (file,) = (path for path in kept if path.startswith(place))
    (task,) = json.loads(store.read(store.head(), file))
    assert str(task["annotations"][0]["id"]) == vote.origin["annotation"]


def test_an_item_is_found_by_the_file_it_came_from(story):
    source = trace_item(story.told.store, story.doubted, at="main").source_uri
    assert trace_item(story.told.store, source, at="v0001").item_id == story.doubted


def test_a_snapshot_of_nothing_new_makes_no_release(story):
    assert story.idle.metadata["release"]["changed"] is False
    assert story.idle.metadata["release"]["release"] == "v0003"
    assert story.told.store.head() == story.told.store.releases()["v0003"]


def test_an_unchanged_bucket_is_the_same_bytes(story):
    """From v0002 to v0003 one label changed: one bucket of labels is new, fifteen are not."""
    store = story.told.store
    changed = [c.path for c in store.changes("v0002", "v0003", "labels/")]
    assert changed == [bucket_path("labels", bucket_of(story.doubted, 16))]
    both = [{o.path: o.sha256 for o in store.listing(r, "labels/")} for r in ("v0002", "v0003")]
    same = [path for path in both[0] if both[0][path] == both[1][path]]
    assert len(same) == len(both[0]) - 1 == 15


def test_a_careless_annotator_fails_the_gate_by_name(story):
    assert "simulated_mia" in story.refused.failed_checks["snapshot.thresholds_hold"]
    assert "release" not in story.refused.failures


def test_a_failing_gate_leaves_main_untouched(story):
    assert story.after == story.before


def test_a_refused_snapshot_can_be_looked_at_on_its_branch(story):
    branch = f"run-{story.refused.run_id}"
    receipt = json.loads(story.told.store.read(story.told.store.head(branch), RECEIPT))
    assert not receipt["passed"]
    assert "min_actor_quality" in receipt["failed"][0]
    assert asked(story, "SELECT count(*) FROM labels", at=branch).item() == 129


def test_votes_taken_back_bring_the_release_and_stay_in_the_ledger(story):
    mias = "FROM votes WHERE actor LIKE '%mia' AND kind <> 'retract'"
    assert story.second.metadata["release"]["release"] == "v0002"
    assert asked(story, f"SELECT count(*) {mias}", at="v0002").item() == 30
    behind = "SELECT count(*) FROM labels WHERE n_human > 2"
    assert asked(story, behind, at=f"run-{story.refused.run_id}").item() > 0
    assert asked(story, behind, at="v0002").item() == 0


def test_a_release_replays_bit_for_bit(story):
    for release in ("v0001", "v0002", "v0003"):
        found = replay(story.told.store, release)
        assert found.matches
        assert found.n_items == asked(story, "SELECT count(*) FROM labels", release).item()


def test_a_release_older_than_its_successors_reads_as_it_was(story):
    store = story.told.store
    read = [trace_item(store, story.doubted, at=release) for release in store.releases()]
    assert [found.label for found in read] == ["setosa", "virginica", "setosa"]
    assert [len(found.changes) for found in read] == [1, 2, 3]


def test_published_runs_leave_no_branch_and_refused_ones_do(story):
    left = {branch.name for branch in story.told.store.run_branches()}
    assert left == {f"run-{story.refused.run_id}"}
