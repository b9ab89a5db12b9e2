"""What the chain gives the labelers that learn: labels, and items that have none."""

import json
from typing import Any

import polars as pl
import pytest

from assets.models import champion_at, folder
from quality.schema import LABELS

EXTRA = """\
  - {name: spreading, kind: label_spreading}
  - {name: own, kind: self_training}
  - {name: careful, kind: sklearn, class_weights: balanced, decision: tuned}
  - {name: fixmatch, kind: fixmatch, steps: 20, hidden: [8], device: cpu}
"""


@pytest.fixture(scope="module")
def trained(copy_to, tmp_path_factory):
    """A second release, harder to please, and labelers of other kinds that learned from it."""
    project = copy_to(tmp_path_factory.mktemp("trained") / "project")
    text = project.dataset_path.read_text(encoding="utf-8")
    text = text.replace("consensus:", EXTRA + "consensus:")
    text = text.replace("confidence_threshold: 0.55", "confidence_threshold: 0.95")
    text = text.replace("min_new_labels: 20", "min_new_labels: 20, labels: soft")
    project.dataset_path.write_text(text, encoding="utf-8")
    project.run("snapshot")
    project.run("retrain")
    return project


def card(project, labeler: str) -> dict[str, Any]:
    head = project.store.head()
    champion = champion_at(project.store, head, labeler)
    assert champion is not None
    place = f"{folder(labeler, champion.version)}/card.json"
    found: dict[str, Any] = json.loads(project.store.read(head, place))
    return found


def train_split(project) -> pl.DataFrame:
    labels = LABELS.check(project.store.table(project.store.head("v0002"), "labels/").collect())
    return labels.filter(pl.col("split") == "train")


@pytest.mark.parametrize("labeler", ["spreading", "own", "fixmatch"])
def test_a_semi_supervised_labeler_learns_from_the_train_split_without_accepted_label(
    trained, labeler
):
    told, train = card(trained, labeler), train_split(trained)
    accepted = train.filter(pl.col("state").is_in(["auto", "human"])).height
    assert 0 < accepted < train.height
    assert told["n_unlabeled"] == train.height - accepted


def test_other_trained_labelers_are_given_labeled_items_only(trained):
    assert "n_unlabeled" not in card(trained, "linear")


def test_soft_labels_teach_a_row_for_each_class_that_the_votes_left_likely(trained):
    train = train_split(trained)
    accepted = train.filter(pl.col("state").is_in(["auto", "human"]))
    table = trained.store.table(trained.store.head("v0002"), "consensus/").collect()
    open_classes = table.join(accepted, on="item_id", how="semi")["probabilities"].list.eval(
        pl.element().filter(pl.element() >= 0.01)
    )
    assert card(trained, "linear")["n_items"] == open_classes.list.len().sum()


def test_what_was_done_for_rare_classes_is_in_the_champions_card(trained):
    told = card(trained, "careful")["balance"]
    assert (told["class_weights"], told["decision"]) == ("balanced", "tuned")
    assert "balance" not in card(trained, "linear")
