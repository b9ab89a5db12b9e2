"""The queue asks people what is worth their time, once."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.dataset_file.models import Dataset
from assets.ports import OpenTask
from assets.review.imports import import_review_file
from assets.review.queue import QUEUE, build_queue, waiting_items, write_queue
from assets.review.simulated import SimulatedReviewer
from orchestration.label_studio import LabelStudio, answered
from quality.ledger import retractions
from quality.schema import VOTES

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DATASET = Dataset.model_validate(
    {
        "name": "films",
        "modality": "text",
        "ontology": {"classes": ["good", "bad"]},
        "review": {"budget": 2},
    }
)
LABELS = pl.DataFrame(
    {
        "item_id": ["sure", "split", "unsure"],
        "label": ["good", "good", "bad"],
        "n_votes": [3, 3, 3],
    }
)
SCORES = pl.DataFrame(
    {"item_id": ["sure", "split", "unsure"], "agreement": [1.0, 0.2, 1.0]}
).with_columns(label_quality=pl.lit(None, pl.Float64))
ODDS = pl.DataFrame(
    {
        "item_id": ["sure", "split", "unsure"],
        "probabilities": [[0.99, 0.01], [0.8, 0.2], [0.4, 0.6]],
    }
)
ITEMS = pl.DataFrame(
    {
        "item_id": ["sure", "split", "unsure"],
        "modality": ["text"] * 3,
        "content": ["a fine film", "so so", "well"],
        "source_uri": ["f#id=1", "f#id=2", "f#id=3"],
    }
)
TRUTH = {"sure": "good", "split": "bad", "unsure": "good"}


@dataclass(frozen=True)
class Folder:
    root: Path

    def queue(self, dataset: str) -> Path:
        return self.root / "queue" / dataset


def queue(votes=None, waiting=()):
    ledger = VOTES.empty() if votes is None else votes
    return build_queue(LABELS, SCORES, ODDS, ledger, DATASET, seed=1, waiting=waiting)


def written(tmp_path, frame=None) -> Path:
    frame = queue() if frame is None else frame
    path = write_queue(
        frame, ITEMS, {}, dataset=DATASET, tool=LabelStudio(), folder=Folder(tmp_path)
    )
    assert path is not None
    return path


def imported(content: bytes):
    return import_review_file(
        content,
        "export.json",
        DATASET,
        tool=LabelStudio(),
        items=ITEMS,
        votes=VOTES.empty(),
        imported_at=NOW,
        run_id="r",
        code_version="c",
    )


def answers_of(path: Path, reviewer: SimulatedReviewer) -> bytes:
    tasks = path.read_bytes()
    given = reviewer.answers(LabelStudio().answers(tasks), TRUTH, DATASET.classes, NOW)
    return answered(tasks, given)


def test_the_queue_holds_what_is_most_in_doubt_within_the_budget():
    chosen = queue()
    assert chosen["item_id"].to_list() == ["unsure", "split"]
    assert chosen.columns == list(QUEUE)
    assert chosen["reason"].to_list() == ["uncertain: 0.6 at best", "votes disagree: agreement 0.2"]


def model_votes(*rows):
    names = [c for c in VOTES.columns if c not in {"item_id", "actor", "label"}]
    known = {
        "kind": "vote", "actor_kind": "model", "actor_version": "1", "ontology_version": "1",
        "imported_at": NOW, "run_id": "r", "code_version": "c",
    }  # fmt: skip
    frame = [
        {name: known.get(name) for name in names}
        | {"vote_id": str(n), "item_id": item, "actor": actor, "label": label}
        for n, (item, actor, label) in enumerate(rows)
    ]
    return VOTES.frame(frame)


def test_models_that_differ_bring_an_item_before_people():
    votes = model_votes(
        ("sure", "model:linear", "good"),
        ("sure", "model:network", "bad"),
        ("split", "model:linear", "good"),
        ("split", "model:network", "good"),
        ("unsure", "model:linear", "good"),
        ("unsure", "model:network", None),
    )
    first, second = queue(votes).to_dicts()
    assert first["item_id"] == "sure"
    assert first["reason"] == "models differ: linear good, network bad"
    assert second["item_id"] == "unsure"
    asked = DATASET.review.model_copy(update={"strategy": "disagreement"})
    by_votes = DATASET.model_copy(update={"review": asked})
    chosen = build_queue(LABELS, SCORES, ODDS, votes, by_votes, seed=1)
    assert chosen["item_id"].to_list() == ["sure", "split"]


def exploring(share):
    review = DATASET.review.model_copy(update={"explore": share, "budget": 2})
    return DATASET.model_copy(update={"review": review})


def test_a_share_of_the_queue_is_drawn_at_random_and_goes_out_without_a_prediction(tmp_path):
    chosen = build_queue(LABELS, SCORES, ODDS, VOTES.empty(), exploring(0.5), seed=3)
    first, second = chosen.to_dicts()
    assert first["reason"].startswith("drawn at random")
    assert (first["prediction"], first["score"]) == (None, None)
    assert second["prediction"] is not None
    tasks = json.loads(written(tmp_path, chosen).read_bytes())
    assert ["predictions" in task for task in tasks] == [False, True]


def test_items_are_drawn_alike():
    names = [f"i{n:02d}" for n in range(40)]
    labels = pl.DataFrame({"item_id": names, "label": ["good"] * 40, "n_votes": [1] * 40})
    scores = pl.DataFrame({"item_id": names, "agreement": [0.5] * 40, "label_quality": [0.9] * 40})
    odds = pl.DataFrame({"item_id": names, "probabilities": [[0.9, 0.1]] * 40})
    drawn = [
        item
        for seed in range(200)
        for item in build_queue(labels, scores, odds, VOTES.empty(), exploring(1.0), seed=seed)[
            "item_id"
        ]
    ]
    counts = [drawn.count(name) for name in names]
    assert len(drawn) == 400
    assert max(counts) <= 25


def test_an_item_that_somebody_answered_is_never_drawn_at_random(tmp_path):
    path = written(tmp_path)
    ana = SimulatedReviewer("ana", error_rate=0.0, seed=1)
    votes = imported(answers_of(path, ana)).votes
    asking = exploring(1.0)
    twice = asking.review.model_copy(update={"votes_per_item": 2})
    chosen = build_queue(
        LABELS, SCORES, ODDS, votes, asking.model_copy(update={"review": twice}), seed=1
    )
    drawn = chosen.filter(pl.col("reason").str.starts_with("drawn at random"))
    assert drawn["item_id"].to_list() == ["sure"]


def test_an_item_without_votes_comes_before_all_others():
    labels = pl.concat(
        [LABELS, pl.DataFrame({"item_id": ["new"], "label": [None], "n_votes": [0]})]
    )
    chosen = build_queue(labels, SCORES, ODDS, VOTES.empty(), DATASET, seed=1)
    assert chosen.row(0, named=True)["item_id"] == "new"
    assert chosen.row(0, named=True)["reason"] == "nobody labeled it"


@given(st.permutations(range(3)), st.permutations(range(3)), st.permutations(range(3)))
@settings(max_examples=20, deadline=None)
def test_the_order_of_rows_changes_nothing(first, second, third):
    shuffled = build_queue(
        LABELS[first], SCORES[second], ODDS[third], VOTES.empty(), DATASET, seed=1
    )
    assert shuffled.equals(queue())


def test_ties_are_settled_by_the_seed_alone():
    names = [f"i{n:02d}" for n in range(30)]
    labels = pl.DataFrame({"item_id": names, "label": ["good"] * 30, "n_votes": [1] * 30})
    scores = pl.DataFrame({"item_id": names, "agreement": [0.5] * 30, "label_quality": [0.9] * 30})
    odds = pl.DataFrame({"item_id": names, "probabilities": [[0.5, 0.5]] * 30})

    def drawn(seed):
        return build_queue(labels, scores, odds, VOTES.empty(), DATASET, seed=seed)["item_id"]

    assert drawn(1).to_list() == drawn(1).to_list()
    assert len({tuple(drawn(seed)) for seed in range(5)}) > 1


def test_an_item_that_nothing_predicted_goes_out_without_a_prediction(tmp_path):
    labels = pl.DataFrame({"item_id": ["split"], "label": [None], "n_votes": [0]})
    labels = labels.cast({"label": pl.String})
    chosen = build_queue(labels, SCORES, ODDS.clear(), VOTES.empty(), DATASET, seed=1)
    (task,) = json.loads(written(tmp_path, chosen).read_bytes())
    assert "predictions" not in task


@pytest.mark.parametrize(
    ("strategy", "first"), [("least_confidence", "unsure"), ("disagreement", "split")]
)
def test_the_dataset_names_the_signal_that_the_queue_goes_by(strategy, first):
    review = DATASET.review.model_copy(update={"strategy": strategy})
    dataset = DATASET.model_copy(update={"review": review})
    chosen = build_queue(LABELS, SCORES, ODDS, VOTES.empty(), dataset, seed=1)
    assert chosen["item_id"][0] == first


def test_what_people_answered_is_not_asked_again(tmp_path):
    votes = imported(answers_of(written(tmp_path), SimulatedReviewer("ana", 0.0, 1))).votes
    assert queue(votes)["item_id"].to_list() == ["sure"]


def test_what_waits_in_an_earlier_queue_is_not_asked_twice(tmp_path):
    written(tmp_path)
    waiting = waiting_items(DATASET, LabelStudio(), Folder(tmp_path))
    assert waiting == [OpenTask("unsure", 1), OpenTask("split", 1)]
    assert queue(waiting=waiting)["item_id"].to_list() == ["sure"]


def test_an_item_whose_votes_were_taken_back_is_asked_about_again(tmp_path):
    votes = imported(answers_of(written(tmp_path), SimulatedReviewer("cy", 0.0, 1))).votes
    back = retractions(
        votes,
        votes["vote_id"],
        by="human:lead",
        reason="careless",
        at=pl.lit(NOW),
        run_id="r",
        code_version="c",
    )
    ledger = pl.concat([votes, back])
    waiting = waiting_items(DATASET, LabelStudio(), Folder(tmp_path))
    again = queue(ledger, waiting)
    assert again.select("item_id", "awaited").rows() == [("unsure", 2), ("split", 2)]
    written(tmp_path, again)
    waiting = waiting_items(DATASET, LabelStudio(), Folder(tmp_path))
    assert queue(ledger, waiting)["item_id"].to_list() == ["sure"]


def test_the_same_queue_is_the_same_file(tmp_path):
    first = written(tmp_path)
    assert written(tmp_path) == first
    assert sorted(p.suffix for p in first.parent.iterdir()) == [".json", ".xml"]


def test_an_empty_queue_writes_nothing(tmp_path):
    none = queue().clear()
    assert (
        write_queue(none, ITEMS, {}, dataset=DATASET, tool=LabelStudio(), folder=Folder(tmp_path))
        is None
    )
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_no_half_written_queue(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        written(tmp_path)
    assert not [p for p in (tmp_path / "queue/films").iterdir() if p.is_file()]


def test_a_simulated_reviewer_is_called_simulated_in_every_vote(tmp_path):
    done = imported(answers_of(written(tmp_path), SimulatedReviewer("ana", 0.0, 1)))
    assert set(done.votes["actor"]) == {"human:simulated_ana"}
    assert dict(done.votes.select("item_id", "label").iter_rows()) == {
        "unsure": "good",
        "split": "bad",
    }
    assert set(done.votes["kind"]) == {"fix"}


def test_a_simulated_reviewer_errs_at_its_stated_rate_and_repeats_itself():
    items = tuple(f"i{n}" for n in range(4000))
    waiting = LabelStudio().answers(
        json.dumps([{"id": 1, "data": {"item_id": i}} for i in items]).encode()
    )
    truth = dict.fromkeys(items, "good")
    reviewer = SimulatedReviewer("bo", 0.1, 7)
    first = reviewer.answers(waiting, truth, DATASET.classes, NOW)
    wrong = sum(a.label != "good" for a in first)
    assert 340 <= wrong <= 460
    assert reviewer.answers(waiting, truth, DATASET.classes, NOW) == first


def test_a_careless_reviewer_answers_any_class():
    items = tuple(f"i{n}" for n in range(2000))
    waiting = LabelStudio().answers(
        json.dumps([{"id": 1, "data": {"item_id": i}} for i in items]).encode()
    )
    careless = SimulatedReviewer("cy", 0.0, 7, careless=True)
    labels = [
        a.label
        for a in careless.answers(waiting, dict.fromkeys(items, "good"), DATASET.classes, NOW)
    ]
    assert 900 <= labels.count("bad") <= 1100


def test_a_label_that_its_item_speaks_against_comes_first():
    quality = pl.when(pl.col("item_id") == "sure").then(pl.lit(0.01))
    doubted = SCORES.with_columns(label_quality=quality)
    chosen = build_queue(LABELS, doubted, ODDS, VOTES.empty(), DATASET, seed=1)
    assert chosen.row(0, named=True)["item_id"] == "sure"
    assert chosen["reason"].to_list()[0] == "looks mislabeled: label quality 0.01"
