"""What synthetic items are made by: pictures, rows, templates, plan, and which of them stand."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.schema import ITEMS, LABELS, VOTES
from quality.synthetic.errors import TemplateInvalid
from quality.synthetic.images import Strengths, augmented, blended
from quality.synthetic.labels import synthetic_labels
from quality.synthetic.origin import Origin, draw, is_synthetic, parents_of, with_origins
from quality.synthetic.plan import rare_classes, wanted
from quality.synthetic.rows import between, jittered, near
from quality.synthetic.templates import filled, slots_of

STILL = Strengths(shift=0, rotate_degrees=0, elastic=0, noise=0)
LABEL_NAMES = ["cat", "dog"]


def picture(seed=0, shape=(12, 9)):
    return np.random.default_rng(seed).uniform(0, 1, shape)


def test_without_strength_a_picture_stays_as_it_is():
    assert np.allclose(augmented(picture(), STILL, draw(0, "cat", 0)), picture(), atol=1e-12)


def test_a_shift_moves_every_pixel_the_same_way():
    ramp = np.tile(np.linspace(0.2, 0.8, 40), (40, 1))
    strengths = Strengths(shift=0.1, rotate_degrees=0, elastic=0, noise=0)
    moved = augmented(ramp, strengths, draw(3, "cat", 1)) - ramp
    inside = moved[6:-6, 6:-6]
    assert abs(inside).max() > 0
    assert np.allclose(inside, inside[0, 0])


@pytest.mark.parametrize("shape", [(8, 8), (5, 11), (7, 6, 3), (1, 1)])
def test_a_changed_picture_has_the_shape_and_range_it_had(shape):
    hard = Strengths(shift=0.3, rotate_degrees=90, elastic=0.2, noise=0.5)
    changed = augmented(picture(1, shape), hard, draw(0, "cat", 0))
    assert changed.shape == shape
    assert 0 <= changed.min() <= changed.max() <= 1


def test_bending_displaces_by_its_root_mean_square():
    wide = np.tile(np.linspace(0, 1, 200), (200, 1))
    bend = Strengths(shift=0, rotate_degrees=0, elastic=0.02, noise=0)
    moved = [augmented(wide, bend, draw(0, "cat", n)) - wide for n in range(30)]
    inside = np.stack(moved)[:, :, 20:-20] * 199
    # 0.02 of 200 pixels.
    assert np.sqrt((inside**2).mean()) == pytest.approx(4, rel=0.25)


def test_the_same_draw_gives_the_same_picture_and_another_number_another():
    some = Strengths(0.1, 15, 0.05, 0.05)
    first, again = (augmented(picture(), some, draw(5, "cat", 7)) for _ in range(2))
    other = augmented(picture(), some, draw(5, "cat", 8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_blend_lies_between_its_pictures():
    one, two = picture(1), picture(2)
    mixed = blended(one, two, 0.25)
    assert np.allclose(mixed, one + 0.25 * (two - one))


def test_a_row_moves_in_its_numbers_only():
    one = {"size": 1.0, "colour": "red", "weight": None}
    two = {"size": 3.0, "colour": "blue", "weight": 2.0}
    moved = between(one, two, ["size", "weight", "absent"], 0.5)
    assert moved == {"size": 2.0, "colour": "red", "weight": None}


def test_jitter_is_in_units_of_the_columns_spread():
    rows = [jittered({"a": 0.0, "b": 0.0}, {"a": 2.0}, 0.5, draw(0, "x", n)) for n in range(2000)]
    assert np.std([row["a"] for row in rows]) == pytest.approx(1.0, rel=0.1)
    assert {row["b"] for row in rows} == {0.0}


def test_neighbours_come_nearest_first_and_never_the_row_itself():
    points = np.array([[0.0], [1.0], [3.0], [7.0]])
    assert near(points, 1, 2).tolist() == [0, 2]
    assert near(points, 3, 9).tolist() == [2, 1, 0]


def test_a_template_is_filled_with_one_value_a_slot():
    text = filled(["{a} and {a}, {{braced}}"], {"a": ["x", "y"]}, draw(0, "cat", 1))
    assert text in {"x and x, {braced}", "y and y, {braced}"}


@pytest.mark.parametrize(
    "template", ["open {", "{a.b}", "{0}", "{}", "{a!r}", "{a:>5}", "} closed"]
)
def test_a_template_with_more_than_names_in_braces_is_refused(template):
    with pytest.raises(TemplateInvalid, match="expected"):
        slots_of(template)


def test_a_template_whose_slot_has_no_value_is_refused():
    with pytest.raises(TemplateInvalid, match="thing"):
        filled(["a {thing}"], {}, draw(0, "cat", 1))


def test_a_class_is_rare_below_a_share_of_the_largest():
    assert rare_classes({"a": 100, "b": 49, "c": 50, "d": 0}, 0.5) == ("b", "d")


def test_without_a_count_a_class_is_brought_up_to_the_share():
    missing = wanted({"a": 100, "b": 20}, {"b": 10}, {}, classes=(), count=None, up_to=0.5)
    assert missing == {"b": 20}


def test_with_a_count_a_source_makes_no_more_than_that():
    asked = wanted({"a": 9, "b": 9}, {}, {"a": 4, "b": 3}, classes=("a", "b"), count=4, up_to=0.5)
    assert asked == {"b": 1}


@given(st.text(min_size=1).filter(lambda t: t.isprintable()), st.integers(0, 10**6))
def test_an_origin_reads_back_as_it_was_written(label, number):
    parents = ("a" * 64, "b" * 64)
    uri = Origin("thin", "mix", label, parents, number).uri
    row = with_origins(pl.DataFrame({"source_uri": [uri]})).row(0, named=True)
    assert (row["source"], tuple(row["parents"]), row["number"]) == ("thin", parents, number)
    assert parents_of(uri) == parents


@pytest.mark.parametrize("uri", ["monday.csv#line=3", "synthetic:/a.csv#1", "a/synthetic:b.png"])
def test_no_raw_item_counts_as_synthetic(uri):
    assert not pl.DataFrame({"source_uri": [uri]}).select(is_synthetic()).item()
    assert parents_of(uri) == ()


# --- which of them stand

IDS = [f"{n:064x}" for n in range(40)]


def labels_of(*rows):
    """Labels of real items: (item, label, state, split)."""
    plain = {"actor_kinds": [], "n_votes": 1, "n_human": 0, "vote_set_sha256": "", "since": "v0001"}
    return LABELS.frame(
        [
            {"item_id": i, "label": la, "state": s, "split": sp, "ontology_version": "1", **plain}
            for i, la, s, sp in rows
        ]
    )


def made_of(*parents, item="c" * 64, label="cat", version="1", retracted=False):
    """The label row of one synthetic item."""
    origin = Origin("thin", "mix", label, parents, 0)
    empty = dict.fromkeys(ITEMS.columns)
    items = pl.DataFrame(
        [{**empty, "item_id": item, "source_uri": origin.uri}], schema=dict(ITEMS.columns)
    )
    cast = {"vote_id": "v", "item_id": item, "actor": "synthetic:thin", "actor_kind": "synthetic"}
    vote = {**dict.fromkeys(VOTES.columns), **cast, "actor_version": version, "label": label}
    votes = pl.DataFrame([] if retracted else [vote], schema=dict(VOTES.columns))

    def label_row(labels):
        return synthetic_labels(
            items,
            votes,
            labels,
            LABELS.empty(),
            versions={"synthetic:thin": "1"},
            classes=LABEL_NAMES,
            ontology_version="1",
            release="v0002",
        ).row(0, named=True)

    return label_row


def test_an_item_of_accepted_parents_in_train_stands():
    row = made_of(IDS[0], IDS[1])(
        labels_of((IDS[0], "cat", "auto", "train"), (IDS[1], "cat", "human", "train"))
    )
    assert (row["label"], row["state"], row["split"]) == ("cat", "synthetic", "train")


@pytest.mark.parametrize(
    "parent",
    [
        ("dog", "auto", "train"),
        ("cat", "disputed", "train"),
        ("cat", "auto", "valid"),
        ("cat", "human", "test"),
    ],
)
def test_an_item_whose_parent_is_no_such_example_any_more_does_not_stand(parent):
    labels = labels_of((IDS[0], "cat", "auto", "train"), (IDS[1], *parent))
    assert made_of(IDS[0], IDS[1])(labels)["label"] is None


def test_an_item_whose_parent_is_gone_does_not_stand():
    assert made_of(IDS[0])(labels_of())["label"] is None


def test_an_item_by_another_version_of_its_source_does_not_stand():
    labels = labels_of((IDS[0], "cat", "auto", "train"))
    assert made_of(IDS[0], version="older")(labels)["label"] is None


def test_an_item_whose_vote_was_taken_back_does_not_stand():
    labels = labels_of((IDS[0], "cat", "auto", "train"))
    assert made_of(IDS[0], retracted=True)(labels)["label"] is None


def test_an_item_of_a_class_that_is_gone_does_not_stand():
    assert made_of(label="cow")(labels_of())["label"] is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(LABEL_NAMES),
            st.sampled_from(["auto", "human", "disputed"]),
            st.sampled_from(["train", "valid", "test"]),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_no_synthetic_item_stands_outside_train_or_on_a_parent_outside(parents):
    labels = labels_of(*((i, *facts) for i, facts in zip(IDS, parents, strict=False)))
    row = made_of(*IDS[: len(parents)])(labels)
    sound = all(p[0] == "cat" and p[1] != "disputed" and p[2] == "train" for p in parents)
    assert row["split"] == "train"
    assert (row["label"] == "cat") == sound
