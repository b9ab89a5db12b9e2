"""The agreement report: scopes, reasons, and what it renders to."""

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.agreement.errors import AgreementError, UnknownFigureError
from quality.agreement.report import AgreementReport, agreement_report
from quality.errors import VotesFrameError
from quality.schema import ACTOR_KINDS

CLASSES = ["cat", "dog"]
SCHEMA = {
    "item_id": pl.String,
    "actor": pl.String,
    "actor_kind": pl.String,
    "label": pl.String,
    "circular": pl.Boolean,
    "anchored": pl.Boolean,
}


def vote(item: str, actor: str, label: str | None, **flags: bool) -> dict[str, Any]:
    kind = actor.split(":", maxsplit=1)[0]
    row = {"item_id": item, "actor": actor, "actor_kind": kind, "label": label}
    return row | {"circular": False, "anchored": False} | flags


def report(*votes: dict[str, Any], replicates: int = 200) -> AgreementReport:
    frame = pl.DataFrame(votes, schema=SCHEMA)
    return agreement_report(frame, CLASSES, seed=1, replicates=replicates)


def both(item: str, one: str, other: str, **flags: bool) -> list[dict[str, Any]]:
    return [vote(item, "human:ana", one), vote(item, "model:linear", other, **flags)]


def test_circular_votes_count_only_in_the_scopes_named_all() -> None:
    said = [*both("a", "cat", "dog"), *both("b", "cat", "cat", circular=True)]
    found = report(*said)
    assert found.figure("percent", "all").value == 0.5
    assert found.figure("percent", "independent").value == 0.0
    assert found.figure("percent", "human-model").n_items == 1
    assert found.figure("percent", "human-model/all").value == 0.5


def test_blind_and_anchored_votes_stand_side_by_side() -> None:
    said = [
        *(vote("a", actor, "cat", anchored=True) for actor in ("human:ana", "human:ben")),
        vote("b", "human:ana", "cat"),
        vote("b", "human:ben", "dog"),
    ]
    found = report(*said)
    assert found.figure("percent", "blind").value == 0.0
    assert found.figure("percent", "anchored").value == 1.0


def test_every_actor_that_is_not_human_counts_as_a_model() -> None:
    found = report(vote("a", "function:has_fur", "cat"), vote("a", "llm:small", "cat"))
    assert found.figure("percent", "model-model").value == 1.0
    assert found.figure("percent", "human-human").value is None
    assert any("not human counts as a model" in note for note in found.notes)


@pytest.mark.parametrize(
    ("votes", "reason"),
    [
        ([], "there are no votes"),
        ([vote("a", "human:ana", None)], "there are no votes"),
        ([vote("a", "human:ana", "cat")], "only one actor voted"),
        (
            [vote("a", "human:ana", "cat"), vote("b", "human:ben", "dog")],
            "no item has votes of two actors",
        ),
        (
            [vote("a", "human:ana", "cat"), vote("a", "human:ben", "cat")],
            "only one class was used, so agreement by chance is certain",
        ),
    ],
)
def test_a_figure_that_cannot_be_computed_is_none_with_its_reason(
    votes: list[dict[str, Any]], reason: str
) -> None:
    figure = report(*votes).figure("krippendorff_alpha")
    assert (figure.value, figure.low, figure.high) == (None, None, None)
    assert figure.reason == reason


@pytest.mark.parametrize("votes", [[], both("a", "cat", "dog"), [vote("a", "human:ana", None)]])
def test_a_report_renders_whatever_it_holds(votes: list[dict[str, Any]]) -> None:
    found = report(*votes)
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["counts"]["rows"] == len(votes)
    assert found.to_markdown().startswith("# Agreement")
    assert found.picture().startswith(b"\x89PNG")


def test_items_hold_each_item_once_with_null_where_nothing_can_agree() -> None:
    found = report(
        *both("a", "cat", "dog"), vote("b", "human:ana", "cat"), vote("c", "llm:x", None)
    )
    assert found.items.rows() == [("a", 0.0), ("b", None), ("c", None)]


def test_an_actors_agreement_is_its_mean_over_items_with_other_votes() -> None:
    said = [*both("a", "cat", "cat"), *both("b", "cat", "dog"), vote("c", "human:ana", "cat")]
    ana = report(*said).actors.row(by_predicate=pl.col("actor") == "human:ana", named=True)
    assert (ana["n_votes"], ana["n_items"], ana["agreement"]) == (3, 2, 0.5)


def test_specific_agreement_of_a_class_matches_hand_computation() -> None:
    # dog: one pair agrees both ways (2), and of 3 dog votes each has one other vote: 2 / 3.
    said = [*both("a", "dog", "dog"), *both("b", "cat", "dog"), *both("c", "cat", "cat")]
    dog = report(*said).classes.row(by_predicate=pl.col("label") == "dog", named=True)
    assert dog["agreement"] == pytest.approx(2 / 3)
    assert (dog["n_votes"], dog["n_items"]) == (3, 2)


def test_the_same_seed_gives_the_same_report_whatever_the_order_of_votes() -> None:
    said = [row for k in range(30) for row in both(f"i{k}", CLASSES[k % 2], CLASSES[k % 3 % 2])]
    assert report(*said).to_json() == report(*reversed(said)).to_json()


def test_an_unknown_figure_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownFigureError, match="krippendorff_alpha"):
        report().figure("alpha")
    with pytest.raises(UnknownFigureError, match="independent"):
        report().figure("percent", "humans")


def test_votes_without_their_columns_are_refused() -> None:
    with pytest.raises(VotesFrameError, match="actor_kind"):
        agreement_report(pl.DataFrame({"item_id": ["a"]}), CLASSES, seed=1)


def test_votes_without_an_item_are_refused() -> None:
    frame = pl.DataFrame([vote("a", "human:ana", "cat")], schema=SCHEMA)
    with pytest.raises(VotesFrameError, match="no item_id"):
        agreement_report(frame.with_columns(item_id=pl.lit(None)), CLASSES, seed=1)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [("actor_kind", "robot", "robot"), ("actor_kind", None, "None"), ("circular", 2, "circular")],
)
def test_votes_that_make_no_sense_are_refused(column: str, value: object, said: str) -> None:
    frame = pl.DataFrame([vote("a", "human:ana", "cat")], schema=SCHEMA)
    with pytest.raises((AgreementError, VotesFrameError), match=said):
        agreement_report(frame.with_columns(pl.lit(value).alias(column)), CLASSES, seed=1)


@pytest.mark.parametrize("kind", [pl.Categorical, pl.Enum(CLASSES), pl.Enum(["dog", "cat", "x"])])
def test_labels_may_be_categories(kind: pl.DataType) -> None:
    frame = pl.DataFrame([*both("a", "cat", "dog"), *both("b", "dog", "dog")], schema=SCHEMA)
    frame = frame.with_columns(pl.col("label").cast(kind), pl.col("actor").cast(pl.Categorical))
    assert agreement_report(frame, CLASSES, seed=1).figure("percent").value == 0.5


rows_of_nonsense = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "", "\n"]),
        st.sampled_from(["human:ana", "human:|", "x"]),
        st.sampled_from(ACTOR_KINDS),
        st.sampled_from([None, *CLASSES]),
        st.sampled_from([None, True, False]),
        st.sampled_from([None, True, False]),
    ),
    max_size=25,
)


@pytest.mark.filterwarnings("error")
@given(rows_of_nonsense)
@settings(max_examples=60, deadline=None)
def test_any_votes_give_a_report_without_a_nan(rows: list[tuple[object, ...]]) -> None:
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    found = agreement_report(frame, CLASSES, seed=1, replicates=20)
    json.dumps(found.to_json(), allow_nan=False)
    assert found.to_markdown()
    for scope in found.figures.values():
        for figure in scope.values():
            assert (figure.value is None) <= (figure.reason is not None)
            assert figure.low is None or figure.low <= figure.high  # type: ignore[operator]
