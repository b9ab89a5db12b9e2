"""Review files become votes, and every judgment in them is accounted for."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.dataset_file.models import Dataset, Ontology
from assets.ports import ReviewFile
from assets.review.balance import ReviewImport
from assets.review.errors import LedgerUnbalanced, ReviewUnreadable
from assets.review.imports import import_review_file
from orchestration.label_studio import LabelStudio
from quality.ledger import effective_votes
from quality.schema import VOTES

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ITEMS = pl.DataFrame(
    {
        "item_id": ["a" * 64, "b" * 64, "c" * 64],
        "source_uri": [f"inbox/films.jsonl#id=s{n}" for n in range(3)],
    }
)
DATASET = Dataset.model_validate(
    {
        "name": "films",
        "modality": "text",
        "ontology": {"classes": ["positive", "negative", "mixed"]},
    }
)


def bring(content, votes=None, *, tool=None, items=ITEMS, into=DATASET) -> ReviewImport:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return import_review_file(
        raw,
        "export.json",
        into,
        tool=tool or LabelStudio(),
        items=items,
        votes=VOTES.empty() if votes is None else votes,
        imported_at=NOW,
        run_id="run-1",
        code_version="test",
    )


def annotation(label="positive", number=1, by="ana@example.com", at="2026-02-01T10:00:00Z"):
    results = [] if label is None else [choice(label)]
    return {
        "id": number,
        "completed_by": by,
        "result": results,
        "was_cancelled": False,
        "lead_time": 3.5,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": at,
    }


def choice(label, control="label"):
    return {
        "from_name": control,
        "to_name": "item",
        "type": "choices",
        "value": {"choices": [label]},
    }


def task(*annotations, number=7, **data):
    return {"id": number, "data": data or {"item_id": "a" * 64}, "annotations": list(annotations)}


def test_an_annotation_becomes_a_human_vote_with_its_origin():
    (vote,) = bring([task(annotation())]).votes.to_dicts()
    assert (vote["actor"], vote["actor_kind"], vote["kind"]) == (
        "human:ana@example.com",
        "human",
        "vote",
    )
    assert (vote["label"], vote["lead_time_s"]) == ("positive", 3.5)
    assert vote["cast_at"] == datetime(2026, 2, 1, 10, tzinfo=UTC)
    assert (vote["origin"]["task"], vote["origin"]["annotation"]) == ("7", "1")


def test_an_item_is_found_by_the_id_that_its_source_gave():
    votes = bring([task(annotation(), id="s1", text="no matter")]).votes
    assert votes["item_id"].to_list() == ["b" * 64]


def test_an_id_that_two_sources_gave_is_rejected_not_guessed():
    items = ITEMS.with_columns(pl.lit("f#id=s0").alias("source_uri"))
    done = bring([task(annotation(), id="s0")], items=items)
    assert done.balance.rejected == 1
    assert "3 items have this name (id=s0)" in done.rejects["reason"][0]


def test_an_item_is_found_by_its_very_text():
    items = ITEMS.with_columns(item_id=pl.lit(hashlib.sha256(b"a fine film").hexdigest()))
    votes = bring([task(annotation(), text="a fine film")], items=items[:1]).votes
    assert votes["item_id"].to_list() == [items["item_id"][0]]


def test_the_number_of_a_task_is_no_name_of_an_item():
    items = ITEMS.with_columns(source_uri=pl.Series(["f#id=4", "f#id=5", "f#id=6"]))
    record = {"text": "x", "id": 4, "label": "positive", "annotation_id": 11}
    assert bring([record], items=items).balance.rejected == 1


def test_the_same_file_again_adds_nothing():
    first = bring([task(annotation(), annotation("negative", 2, "bo"))])
    again = bring([task(annotation(), annotation("negative", 2, "bo"))], first.votes)
    assert (again.balance.accepted, again.balance.duplicate) == (0, 2)


def test_a_newer_export_adds_only_what_is_new():
    first = bring([task(annotation())])
    more = bring([task(annotation(), annotation("mixed", 2, "bo"))], first.votes)
    assert (more.balance.accepted, more.balance.duplicate) == (1, 1)


def test_an_annotation_changed_later_is_a_new_vote_that_counts_instead():
    first = bring([task(annotation("positive"))])
    later = bring([task(annotation("negative", at="2026-02-02T10:00:00Z"))], first.votes)
    ledger = pl.concat([first.votes, later.votes])
    assert ledger.height == 2
    assert effective_votes(ledger)["label"].to_list() == ["negative"]


@pytest.mark.parametrize("other", [annotation("negative"), annotation(by="bo"), annotation(None)])
def test_the_same_annotation_of_the_same_time_with_other_content_is_set_aside(other):
    if not other["result"]:
        other["was_cancelled"] = True
    first = bring([task(annotation())])
    again = bring([task(other)], first.votes)
    assert (again.balance.conflict, again.votes.height) == (1, 0)
    assert "'positive' by human:ana@example.com" in again.rejects["reason"][0]


def test_an_author_known_by_number_is_the_same_where_a_later_file_gives_the_name_too():
    first = bring([task(annotation(by=7))])
    named = bring([task(annotation(by={"id": 7, "email": "ana@example.com"}))], first.votes)
    assert named.balance.duplicate == 1


def test_an_unknown_class_is_rejected_with_the_likely_one():
    done = bring([task(annotation("Postive"))])
    assert done.balance.rejected == 1
    reject = done.rejects.row(0, named=True)
    assert "did you mean 'positive'" in reject["reason"]
    assert (reject["label"], reject["actor"]) == ("Postive", "human:ana@example.com")


def test_a_vote_on_record_stays_a_duplicate_when_its_class_leaves_the_ontology():
    first = bring([task(annotation("mixed"))])
    ontology = Ontology(version="2", classes=("positive", "negative"))
    narrowed = DATASET.model_copy(update={"ontology": ontology})
    again = bring([task(annotation("mixed"), annotation("mixed", 2))], first.votes, into=narrowed)
    assert (again.balance.duplicate, again.balance.rejected) == (1, 1)


def test_a_vote_on_an_unknown_item_is_rejected_and_kept():
    done = bring([task(annotation(), item_id="f" * 64)])
    assert done.balance.rejected == 1
    assert "unknown item" in done.rejects["reason"][0]


def test_an_answer_for_another_dataset_is_rejected_though_it_has_the_same_item():
    done = bring([task(annotation(), item_id="a" * 64, hallmark_dataset="books")])
    assert done.rejects["reason"].to_list() == ["the task is of dataset 'books', not of 'films'"]


@pytest.mark.parametrize("nobody", [None, "", "  ", {}, {"id": None}, True, []])
def test_an_annotation_without_an_author_is_unknown_never_guessed(nobody):
    assert bring([task(annotation(by=nobody))]).votes["actor"].to_list() == ["human:unknown"]


@pytest.mark.parametrize(
    ("stated", "actor"),
    [
        (7, "human:7"),
        ("ana@example.com", "human:ana@example.com"),
        ({"id": 7, "email": "ana@example.com", "first_name": "A"}, "human:ana@example.com"),
        ({"id": 7}, "human:7"),
        ("Ana Lind", "human:Ana_Lind"),
    ],
)
def test_the_author_is_who_the_file_says(stated, actor):
    assert bring([task(annotation(by=stated))]).votes["actor"].to_list() == [actor]


def test_a_skip_is_a_vote_that_abstains():
    skipped = annotation(None) | {"was_cancelled": True}
    (vote,) = bring([task(skipped)]).votes.to_dicts()
    assert (vote["kind"], vote["label"]) == ("skip", None)


@pytest.mark.parametrize(("label", "kind"), [("positive", "accept"), ("negative", "fix")])
def test_a_judgment_of_a_shown_prediction_says_so(label, kind):
    shown = task(annotation(label), item_id="a" * 64, hallmark_prediction="positive")
    (vote,) = bring([shown]).votes.to_dicts()
    assert (vote["kind"], vote["shown_prediction"]) == (kind, "positive")


def test_a_task_that_nobody_answered_is_counted_apart_and_is_no_reject():
    balance = bring([task(), task(annotation(), number=8)]).balance
    assert (balance.tasks_in, balance.accepted, balance.unanswered) == (1, 1, 1)


def test_a_file_that_is_no_export_is_refused_with_what_it_is():
    with pytest.raises(ReviewUnreadable, match="found no JSON at line 1") as caught:
        bring(b"<html>504 Gateway Time-out</html>")
    assert caught.value.expected == "a Label Studio export"


def test_an_import_that_does_not_balance_fails():
    class Forgetful(LabelStudio):
        def answers(self, content, *, task="classification"):
            file = super().answers(content, task=task)
            return ReviewFile(file.answers[1:], file.rejects, file.received)

    with pytest.raises(LedgerUnbalanced, match="2 judgments came in but 1"):
        bring([task(annotation(), annotation(number=2, by="bo"))], tool=Forgetful())


LABELS = st.sampled_from(["positive", "negative", "Positive", "nonsense", None])
AUTHORS = st.sampled_from([1, "bo", None, {"id": 3, "email": "c@example.com"}])
TIMES = st.sampled_from(["2026-02-01T10:00:00Z", "2026-02-02T10:00:00Z", None, "soon"])
ANNOTATIONS = st.builds(annotation, LABELS, st.integers(1, 3), AUTHORS, TIMES)
STRANGE = st.sampled_from([5, None, "x", {}, {"id": 1, "result": "none"}, {"was_cancelled": True}])
TASKS = st.builds(
    lambda given, number, item: task(*given, number=number, item_id=item),
    st.lists(st.one_of(ANNOTATIONS, STRANGE), max_size=4),
    st.integers(1, 2),
    st.sampled_from(["a" * 64, "b" * 64, "s2", "", None]),
)
EXPORTS = st.lists(st.one_of(TASKS, st.sampled_from([3, None, {"id": 1}, {"data": 5}])), max_size=6)


@settings(max_examples=150, deadline=None)
@given(EXPORTS, st.integers(0, 40))
def test_every_export_balances_and_its_replay_adds_nothing(export, cut):
    content = json.dumps(export).encode()
    content = content[: len(content) - cut] if cut < len(content) else content
    try:
        first = bring(content)
    except ReviewUnreadable:
        return
    assert first.rejects.height == first.balance.rejected + first.balance.conflict
    again = bring(content, first.votes)
    assert again.votes.is_empty()
    assert again.balance.duplicate == first.balance.accepted + first.balance.duplicate
    assert again.balance.rejected == first.balance.rejected


def test_real_crowd_answers_come_in_whole():
    data = Path(__file__).parents[2].parent / "shared/data/sentiment"
    if not data.exists():
        pytest.skip(f"public data not at {data}")
    answers = pl.read_csv(data / "answers.csv")
    names = [json.loads(line)["id"] for line in (data / "items.jsonl").open()]
    items = pl.DataFrame({"item_id": [f"{n:064d}" for n in range(len(names))], "id": names})
    export = [
        task(
            *(
                annotation(label, number=n, by=worker)
                for n, (worker, label) in enumerate(zip(w, ls, strict=True))
            ),
            number=number,
            id=name[0],
        )
        for number, (name, w, ls) in enumerate(
            answers.group_by(["item"], maintain_order=True)
            .agg("worker", "label")
            .select(pl.concat_list("item"), "worker", "label")
            .iter_rows()
        )
    ]
    items = items.select("item_id", pl.format("inbox/items.jsonl#id={}", "id").alias("source_uri"))
    done = bring(export, items=items)
    assert done.balance.accepted == done.balance.tasks_in == answers.height == 27746
