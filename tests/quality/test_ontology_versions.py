"""Votes of older ontologies: what they are now, and what is lost on the way."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.ontology.loss import mapping_loss
from quality.ontology.mapping import ClassMapping

MAPPING = ClassMapping(
    "2",
    ("vehicle", "dog", "cat", "tree"),
    {"1": {"car": ("vehicle",), "truck": ("vehicle",), "pet": ("dog", "cat"), "misc": ()}},
)
VOTES = pl.DataFrame(
    [
        *[("1", "car", "human")] * 4,
        *[("1", "truck", "function")] * 4,
        *[("1", "pet", "human")] * 4,
        *[("1", "tree", "human")] * 2,
        *[("1", "misc", "human"), ("1", "gone", "function")],
        ("1", None, "human"),
        ("2", "dog", "human"),
        ("2", "gone", "human"),
    ],
    schema=["ontology_version", "label", "actor_kind"],
    orient="row",
)
LABELS = pl.DataFrame({"label": ["car", "pet", None], "ontology_version": ["1", "1", "1"]})


def test_each_vote_says_what_its_class_is_now_or_why_it_counts_for_nothing() -> None:
    carried = MAPPING.carried(VOTES)
    assert carried["given_label"].equals(VOTES["label"], check_names=False)
    found = {
        given: (now, why)
        for given, now, why in carried.select("given_label", "label", "reason").rows()
    }
    assert found == {
        "car": ("vehicle", None),
        "truck": ("vehicle", None),
        "pet": ("pet", "class was split into dog, cat: people have to look"),
        "tree": ("tree", None),
        "misc": ("misc", "class was dropped from the ontology"),
        "gone": ("gone", "class is not in the ontology"),
        "dog": ("dog", None),
        None: (None, None),
    }


def test_the_mapping_of_an_older_version_is_not_for_votes_of_this_one() -> None:
    taken = ClassMapping("2", ("a", "b"), {"1": {"a": ("b",)}})
    assert taken.now("2", "a") == ("a",)
    assert taken.now("1", "a") == ("b",)


def test_the_loss_counts_votes_people_and_labels_by_class_and_fate() -> None:
    loss = mapping_loss(MAPPING, VOTES, LABELS)
    rows = {name: rest for _, name, *rest in loss.flows.rows()}
    assert rows == {
        "car": ["merged", ["vehicle"], 4, 4, 1],
        "gone": ["unknown", [], 1, 0, 0],
        "misc": ["dropped", [], 1, 1, 0],
        "pet": ["split", ["dog", "cat"], 4, 4, 1],
        "truck": ["merged", ["vehicle"], 4, 0, 0],
        "tree": ["kept", ["tree"], 2, 2, 0],
    }


def test_the_bits_are_those_computed_by_hand() -> None:
    loss = mapping_loss(MAPPING, VOTES, LABELS)
    # 16 votes: three classes of 1/4, one of 1/8, two of 1/16; then 1/2, 1/4, 1/8, 1/8.
    assert loss.bits_before == pytest.approx(3 * 0.5 + 3 / 8 + 2 * 4 / 16)
    assert loss.bits_lost == pytest.approx(loss.bits_before - (0.5 + 0.5 + 2 * 3 / 8))
    assert loss.bits_to_ask == pytest.approx(1 / 4)


def test_a_renaming_loses_nothing() -> None:
    renamed = ClassMapping("2", ("x", "y"), {"1": {"a": ("x",), "b": ("y",)}})
    votes = pl.DataFrame(
        {"ontology_version": ["1", "1"], "label": ["a", "b"], "actor_kind": ["human", "human"]}
    )
    loss = mapping_loss(renamed, votes, LABELS.clear())
    assert set(loss.flows["fate"]) == {"renamed"}
    assert (loss.bits_lost, loss.bits_to_ask) == (0, 0)


def test_votes_of_the_current_version_are_no_part_of_the_loss() -> None:
    now = VOTES.filter(pl.col("ontology_version") == "2")
    assert mapping_loss(ClassMapping("2", ("dog",)), now, LABELS.clear()).flows.is_empty()


def test_the_page_and_the_picture_show_where_classes_went() -> None:
    loss = mapping_loss(MAPPING, VOTES, LABELS)
    assert "| 1 | pet | split | dog or cat | 4 | 4 | 1 |" in loss.to_markdown()
    assert loss.picture().startswith(b"\x89PNG")


names = st.sampled_from(["a", "b", "c", "d"])


@given(
    st.dictionaries(names, st.lists(names, unique=True).map(tuple)),
    st.lists(names, min_size=1),
)
def test_no_vote_is_lost_from_the_books_and_no_bits_are_gained(
    older: dict[str, tuple[str, ...]], labels: list[str]
) -> None:
    votes = pl.DataFrame({"label": labels}).with_columns(
        ontology_version=pl.lit("1"), actor_kind=pl.lit("human")
    )
    loss = mapping_loss(ClassMapping("2", ("a", "b", "c"), {"1": older}), votes, LABELS.clear())
    assert loss.flows["votes"].sum() == len(labels)
    assert 0 <= loss.bits_lost <= loss.bits_before + 1e-9
