"""Regions: canonical sets, matching, consensus and agreement, against figures worked by hand."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.consensus.aggregators import AGGREGATORS, make
from quality.regions.agreement import region_agreement
from quality.regions.candidates import candidates
from quality.regions.consensus import region_consensus, weighted_medians
from quality.regions.errors import RegionInvalid
from quality.regions.matching import iou, matched, most_overlap
from quality.regions.region import Region, box, from_text, label_of, span, to_text

CLASSES = ("circle", "square")
SCHEMA = {"item_id": pl.String, "actor": pl.String, "region": pl.String, "weight": pl.Float64}


def judgments(*rows):
    """Rows of item, actor and regions; None abstains."""
    cast = [(i, a, None if r is None else to_text(r), 1.0) for i, a, r in rows]
    return pl.DataFrame(cast, schema=SCHEMA, orient="row")


def consensus(rows, aggregator="majority", expected_recall=0.9):
    found = candidates(rows, CLASSES, threshold=0.5)
    fitted = make(aggregator, CLASSES).fit(found.named)
    return region_consensus(found, fitted, expected_recall=expected_recall)


def agreement(rows, replicates=0):
    kind = pl.col("actor").str.split(":").list.first()
    marked = rows.with_columns(actor_kind=kind, circular=pl.lit(value=False))
    return region_agreement(marked, CLASSES, threshold=0.5, seed=1, replicates=replicates)


boxes = st.builds(
    box,
    st.sampled_from(CLASSES),
    *(st.floats(0, 50) for _ in range(2)),
    *(st.floats(1, 30) for _ in range(2)),
)
spans = st.builds(lambda label, s, n: span(label, s, s + n), st.sampled_from(CLASSES),
                  st.integers(0, 50), st.integers(1, 20))  # fmt: skip
sets = st.lists(boxes, max_size=5) | st.lists(spans, max_size=5)
drawings = st.one_of(*(
    st.dictionaries(
        st.tuples(st.sampled_from(["i", "j"]), st.sampled_from(["human:a", "human:b", "model:c"])),
        st.lists(kind, max_size=4), min_size=1,
    ) for kind in (boxes, spans)
))  # fmt: skip


def test_overlap_is_the_shared_part_of_the_whole():
    sides = [region.sides for region in (box("circle", 0, 0, 10, 10), box("circle", 5, 0, 10, 10))]
    assert iou(np.array(sides[0]), np.array(sides[1])) == pytest.approx(50 / 150)
    one, other = (np.array(span("circle", *ends).sides, float) for ends in ((0, 10), (6, 14)))
    assert iou(one, other) == pytest.approx(4 / 14)
    assert iou(one, np.array([10.0, 12.0])) == 0


def test_a_set_reads_back_as_it_was_written():
    drawn = [
        box("square", 1.234, 0, 3, 4, 0.91239),
        span("circle", 3, 9),
        box("circle", 0, 0, 1, 1),
    ]
    text = to_text(drawn)
    assert to_text(from_text(text)) == text
    assert from_text(text)[2] == Region("square", (1.23, 0.0, 3.0, 4.0), 0.9124)


def test_a_label_counts_the_classes_and_forgets_the_scores():
    drawn = [box("circle", 0, 0, 1, 1, 0.5), box("square", 2, 2, 1, 1), box("circle", 3, 3, 1, 1)]
    assert label_of(drawn).startswith("circle x2, square x1 #")
    assert label_of(drawn) == label_of([box("circle", 0, 0, 1, 1, 0.9), *drawn[:0:-1]])
    assert label_of(drawn) != label_of([box("circle", 0, 0, 1, 1.01), *drawn[1:]])
    assert label_of([]) == "nothing"


@pytest.mark.parametrize(
    ("make_region", "fault"),
    [
        (lambda: box("circle", 0, 0, -3, 4), "above 0"),
        (lambda: box("circle", math.nan, 0, 3, 4), "finite"),
        (lambda: box("circle", 0, 0, 3, 4, math.nan), "finite"),
        (lambda: box("", 0, 0, 3, 4), "class"),
        (lambda: span("circle", 5, 5), "after"),
        (lambda: span("circle", -1, 5), "0 or more"),
        (lambda: span("circle", 1.5, 5), "whole"),
        (lambda: from_text("{"), "JSON"),
        (lambda: from_text("{}"), "list"),
        (lambda: from_text('[{"label": "circle"}]'), "box"),
        (lambda: from_text('[{"label": "circle", "box": [1, "2", 3, 4]}]'), "finite"),
    ],
)
def test_a_region_that_cannot_be_says_why(make_region, fault):
    with pytest.raises(RegionInvalid, match=fault):
        make_region()


def test_the_best_matching_is_not_the_greedy_one():
    """A span that overlaps two is left to the one that has no other partner."""
    one = [span("circle", 0, 10), span("circle", 4, 14)]
    other = [span("circle", 3, 13), span("circle", 6, 16)]
    found = matched(one, other, threshold=0.5)
    assert {pair[:2] for pair in found.pairs} == {(0, 0), (1, 1)}
    assert found.f1 == 1


def test_regions_of_other_classes_do_not_match():
    found = matched([box("circle", 0, 0, 9, 9)], [box("square", 0, 0, 9, 9)], threshold=0.5)
    assert (found.pairs, found.f1) == ((), 0)


def test_overlap_counts_what_f1_rounds():
    """Shared 50 of 150, of two regions each: 2 * (1/3 + 1) / 4."""
    one = [box("circle", 0, 0, 10, 10), box("square", 40, 0, 9, 9)]
    other = [box("circle", 5, 0, 10, 10), box("square", 40, 0, 9, 9)]
    assert most_overlap(one, other).overlap == pytest.approx(2 / 3)
    assert matched(one, other, threshold=0.5).f1 == pytest.approx(1 / 2)


@given(sets)
def test_a_set_matches_itself_wholly(drawn):
    kept = from_text(to_text(drawn))
    assert matched(kept, kept, threshold=0.5).f1 == 1
    assert most_overlap(kept, kept).overlap == pytest.approx(1)


@given(st.lists(boxes, max_size=5), st.lists(boxes, max_size=5))
def test_matching_is_the_same_from_either_side(one, other):
    there, back = (matched(a, b, threshold=0.3) for a, b in ((one, other), (other, one)))
    assert len(there.pairs) == len(back.pairs)
    assert most_overlap(one, other).overlap == pytest.approx(most_overlap(other, one).overlap)


def test_the_middle_of_three_boxes_is_the_consensus():
    found = consensus(judgments(
        ("i", "human:a", [box("circle", 0, 0, 10, 10)]),
        ("i", "human:b", [box("circle", 1, 1, 10, 12)]),
        ("i", "human:c", [box("circle", 2, 0, 10, 10)]),
    ))  # fmt: skip
    (region,) = found.regions.to_dicts()
    assert region["geometry"] == [1, 0, 10, 10]
    assert (region["n_votes"], region["n_seen"]) == (3, 3)
    assert region["confidence"] > 0.99


def test_who_saw_the_item_and_drew_nothing_votes_against_the_region():
    lone = [box("circle", 0, 0, 10, 10)]
    found = consensus(judgments(("i", "human:a", lone), ("i", "human:b", []), ("i", "human:c", [])))
    assert found.regions.is_empty()
    assert found.items["label"].to_list() == ["nothing"]
    assert found.items["confidence"][0] > 0.5


def test_who_abstains_has_no_say():
    lone = [box("circle", 0, 0, 10, 10)]
    rows = judgments(("i", "human:a", lone), ("i", "human:b", None), ("i", "human:c", lone))
    assert consensus(rows).regions["n_seen"].to_list() == [2]


def test_a_tie_of_classes_is_shown_and_leaves_the_item_without_a_label():
    rows = [("i", f"human:{n}", [span(name, 0, 4)]) for n, name in enumerate(CLASSES)]
    found = consensus(judgments(*rows))
    assert found.regions["tied"].to_list() == [True]
    assert found.items["label"].to_list() == [None]


def test_a_class_is_settled_by_the_votes_of_its_region():
    ends = [("circle", 0, 10), ("square", 0, 11), ("square", 1, 10)]
    rows = [("i", f"human:{n}", [span(*e)]) for n, e in enumerate(ends)]
    (region,) = consensus(judgments(*rows)).regions.to_dicts()
    assert (region["label"], region["geometry"]) == ("square", [0, 10])


def test_two_regions_of_one_actor_are_two_things():
    twice = [box("circle", 0, 0, 10, 10), box("circle", 1, 0, 10, 10)]
    found = candidates(judgments(("i", "human:a", twice), ("i", "human:b", twice[:1])), CLASSES,
                       threshold=0.5)  # fmt: skip
    assert found.drawn.group_by("candidate").len()["len"].sort().to_list() == [1, 2]


def drawn_by(finds, *, items=40, invents=0.0):
    """Judgments of actors who find each of 5 boxes an item with a probability of their own."""
    rng, rows = np.random.default_rng(3), []
    for item in range(items):
        for actor, chance in finds.items():
            seen = [box("circle", 20 * n, 0, 10, 10) for n in range(5) if rng.random() < chance]
            made = box("square", 20 * int(rng.integers(1, 99)), 50, 8, 8)
            rows.append((f"i{item:02}", actor, seen + [made] * (rng.random() < invents)))
    return judgments(*rows)


def test_what_one_finds_of_what_others_found_is_its_recall():
    finds = {"human:a": 0.95, "human:b": 0.8, "model:c": 0.6}
    found = consensus(drawn_by(finds)).actors
    for actor, recall, precision in found.select("actor", "recall", "precision").iter_rows():
        assert recall == pytest.approx(finds[actor], abs=0.05)
        assert precision > 0.97


def test_one_careful_actor_is_believed_where_two_careless_ones_saw_nothing():
    """Many more votes say no than yes, and yet most of what it alone finds is there."""
    finds = {"human:a": 0.98, "model:b": 0.4, "model:c": 0.4}
    found = consensus(drawn_by(finds))
    alone = found.regions.filter(pl.col("n_votes") == 1)
    assert alone.height > 50
    assert found.regions.height > 0.95 * 5 * 40


def test_what_only_one_of_three_careful_actors_draws_is_not_there():
    found = consensus(drawn_by(dict.fromkeys(["human:a", "human:b", "human:c"], 0.97), invents=0.3))
    assert found.regions["label"].unique().to_list() == ["circle"]
    assert found.actors["false_alarms"].is_between(0.15, 0.5).all()


def test_one_who_looks_alone_may_have_missed_something():
    two = [box("circle", 20 * n, 0, 10, 10) for n in range(2)]
    alone = consensus(judgments(("i", "human:a", two)))
    both = consensus(judgments(("i", "human:a", two), ("i", "human:b", two)))
    assert alone.regions.height == 2
    assert alone.items["confidence"][0] < 0.9 < both.items["confidence"][0]


def test_weighted_medians_by_hand():
    group, value = np.array([0, 0, 0, 1, 1]), np.array([5.0, 1.0, 9.0, 2.0, 4.0])
    weight = np.array([1.0, 1.0, 5.0, 1.0, 1.0])
    assert weighted_medians(group, value, weight, lower=False).tolist() == [9, 3]
    assert weighted_medians(group, value, weight, lower=True).tolist() == [9, 2]


def test_alpha_of_regions_by_hand():
    """Two items; a and b agree on the first, share a third on the second: 1 - (1/3) / E."""
    rows = judgments(
        ("i", "human:a", [span("circle", 0, 10)]), ("i", "human:b", [span("circle", 0, 10)]),
        ("j", "human:a", [span("square", 0, 10)]), ("j", "human:b", [span("square", 5, 15)]),
    )  # fmt: skip
    observed, expected = (0 + 2 / 3) / 2, (0 + 2 / 3 + 4) / 6
    alpha = agreement(rows).figures["human-human"]["krippendorff_alpha"]
    assert alpha.value == pytest.approx(1 - observed / expected)


def test_f1_of_regions_by_hand():
    """Of 3 + 2 regions 2 pairs match: 4 / 5; squares none of 1."""
    a = [span("circle", 0, 4), span("circle", 10, 14), span("square", 20, 24)]
    found = agreement(judgments(("i", "human:a", a), ("i", "model:b", a[:2])))
    assert found.figures["human-model"]["f1"].value == pytest.approx(4 / 5)
    assert dict(found.classes.select("label", "f1").iter_rows()) == {"circle": 1.0, "square": 0.0}
    assert found.items["agreement"].to_list() == [pytest.approx(4 / 5)]


@given(drawings)
@settings(max_examples=40, deadline=None)
def test_the_order_of_rows_and_regions_changes_nothing(drawn):
    rows = [(item, actor, regions) for (item, actor), regions in drawn.items()]
    turned = [(item, actor, regions[::-1]) for item, actor, regions in rows[::-1]]
    one, other = consensus(judgments(*rows)), consensus(judgments(*turned))
    assert one.regions.equals(other.regions)
    assert one.items.equals(other.items)
    assert agreement(judgments(*rows)).to_json() == agreement(judgments(*turned)).to_json()


@given(drawings)
@settings(max_examples=40, deadline=None)
def test_the_names_of_actors_change_no_region(drawn):
    other = {"human:a": "human:y", "human:b": "human:x", "model:c": "model:a"}
    rows = [(item, actor, regions) for (item, actor), regions in drawn.items()]
    renamed = [(item, other[actor], regions) for item, actor, regions in rows]
    columns = ["item_id", "label", "geometry", "n_votes", "tied"]
    one, two = (consensus(judgments(*r)).regions.select(columns) for r in (rows, renamed))
    assert one.equals(two)


@given(drawings, st.sampled_from(sorted(AGGREGATORS)))
@settings(max_examples=60, deadline=None)
def test_every_aggregator_gives_finite_figures(drawn, aggregator):
    rows = judgments(*((item, actor, regions) for (item, actor), regions in drawn.items()))
    found = consensus(rows, aggregator)
    for frame in (found.items, found.regions):
        confidence = frame["confidence"]
        assert confidence.is_finite().all()
        assert confidence.is_between(0, 1).all()
    assert found.actors.select("recall", "precision").fill_null(0).to_numpy().max(initial=0) <= 1


@given(st.lists(st.lists(boxes, min_size=1, max_size=4), min_size=2, max_size=3))
@settings(max_examples=30, deadline=None)
def test_identical_sets_agree_wholly(items):
    rows = [(f"i{n}", who, r) for n, r in enumerate(items) for who in ("human:a", "human:b")]
    found = agreement(judgments(*rows), replicates=10)
    alpha = found.figures["human-human"]["krippendorff_alpha"].value
    assert alpha is None or alpha == pytest.approx(1)
    assert found.figures["human-human"]["f1"].value == 1
    assert found.items["agreement"].to_list() == [1.0] * len(items)


def test_nobody_to_compare_with_is_a_reason_not_a_number():
    found = agreement(judgments(("i", "human:a", [span("circle", 0, 4)])))
    assert found.figures["human-human"]["f1"].reason == "no item has judgments of two actors"
    assert found.figures["human-human"]["krippendorff_alpha"].value is None
    assert "none" in found.to_markdown()
