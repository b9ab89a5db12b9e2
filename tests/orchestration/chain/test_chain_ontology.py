"""A new version of the ontology: votes are mapped, not rewritten, and what is lost is told."""

import json

import pytest

from assets.ontology import CLAIM, CONTRADICTIONS, LOSS, PAGE
from assets.replay import replay
from assets.tracing import trace_item
from orchestration import frames

OLD = '  version: "1"\n  classes: [setosa, versicolor, virginica]\n'
NEW = """\
  version: "2"
  classes:
    - {name: iris, group: true}
    - {name: bristle, parent: iris}
    - {name: versicolor, parent: iris, excludes: [bristle]}
    - {name: virginica, parent: iris}
    - {name: giant, parent: virginica}
  mapping:
    "1": {setosa: bristle, virginica: [virginica, giant]}
"""


@pytest.fixture(scope="module")
def mapped(copy_to, tmp_path_factory):
    """A release in the first ontology, then one in the second, after one person's new vote."""
    irises = copy_to(tmp_path_factory.mktemp("mapped") / "project")
    text = irises.dataset_path.read_text(encoding="utf-8")
    assert OLD in text
    irises.dataset_path.write_text(text.replace(OLD, NEW), encoding="utf-8")
    doubted = irises.sure_setosa()
    irises.vote("zoe", doubted, "versicolor")
    irises.run("import_reviews")
    return irises, doubted, irises.run("snapshot")


def test_votes_of_an_older_ontology_are_mapped_and_their_labels_changed_by_the_ontology(mapped):
    irises, doubted, _ = mapped
    store = irises.store

    def asked(sql, at="main"):
        return frames.query(store, sql, at).rows()

    before = dict(asked("SELECT label, count(*) FROM labels GROUP BY label", "v0001"))
    after = dict(asked("SELECT label, count(*) FROM labels GROUP BY label"))
    assert after["bristle"] + 1 == before["setosa"]
    assert not {"setosa", "virginica"} & after.keys()
    assert asked("SELECT DISTINCT label FROM votes WHERE label IN ('setosa', 'bristle')") == [
        ("setosa",)
    ]
    changes = asked("SELECT * EXCLUDE caused_by FROM history WHERE release = 'v0002'")
    causes = {change[2:] for change in changes if change[0] != doubted}
    assert ("setosa", "bristle", "ontology") in causes
    assert {cause for _, _, cause in causes} == {"ontology"}
    assert replay(store, "v0002").matches
    assert replay(store, "v0001").matches


def test_what_became_of_old_votes_is_reported_and_traced(mapped):
    irises, doubted, _ = mapped
    store, at = irises.store, irises.store.head()
    loss = json.loads(store.read(at, LOSS))
    fates = {row["from_class"]: (row["fate"], row["to_classes"]) for row in loss["flows"]}
    assert fates == {
        "setosa": ("renamed", ["bristle"]),
        "versicolor": ("kept", ["versicolor"]),
        "virginica": ("split", ["virginica", "giant"]),
    }
    assert loss["bits_lost"] == pytest.approx(0)
    assert b"| 1 | virginica | split |" in store.read(at, PAGE)
    found = trace_item(store, doubted, at="main")
    fates = {vote.fate for vote in found.votes if vote.label == "setosa"}
    assert fates == {"counts as bristle"}


def test_votes_that_exclude_each_other_raise_a_warning_and_are_named(mapped):
    irises, doubted, finished = mapped
    assert any(CLAIM in check for check in finished.failed_checks)
    told = json.loads(irises.store.read(irises.store.head(), CONTRADICTIONS))
    excluded = [pair for pair in told["pairs"] if pair["relation"] == "excluded"]
    assert [(p["one_class"], p["other_class"]) for p in excluded] == [("bristle", "versicolor")]
    assert doubted in {example["item_id"] for example in told["examples"]}
