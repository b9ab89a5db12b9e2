"""A taxonomy's closures, exclusions and distances, and the faults of one that is none."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.agreement.alpha import krippendorff_alpha
from quality.agreement.counts import count_votes
from quality.ontology.contradictions import contradictions
from quality.ontology.faults import concept_faults
from quality.ontology.taxonomy import Concept, Taxonomy
from quality.votes import VoteCodes

ANIMALS = Taxonomy(
    (
        Concept("thing", group=True),
        Concept("animal", ("thing",)),
        Concept("pet", ("thing",)),
        Concept("dog", ("animal", "pet")),
        Concept("poodle", ("dog",)),
        Concept("cat", ("animal",), excludes=("dog",)),
        Concept("rock", ("thing",), excludes=("animal",)),
    )
)


@st.composite
def sound(draw: st.DrawFn) -> Taxonomy:
    """A random graph whose parents stand further up, without impossible exclusions."""
    size = draw(st.integers(1, 12))
    concepts: list[Concept] = []
    for i in range(size):
        names = [c.name for c in concepts]
        some = st.lists(st.sampled_from(names), unique=True, max_size=3) if names else st.just([])
        parents, excludes = draw(some), draw(some)
        for kept in (tuple(excludes), ()):
            concept = Concept(f"c{i}", tuple(parents), (), kept, draw(st.booleans()))
            if not concept_faults([*concepts, concept]):
                concepts.append(concept)
                break
        else:
            concepts.append(Concept(f"c{i}"))
    return Taxonomy(tuple(concepts))


def messages(*concepts: Concept) -> list[str]:
    return [fault.expected for fault in concept_faults(concepts)]


def test_a_concept_says_all_that_is_above_it() -> None:
    assert ANIMALS.ancestors["poodle"] == {"dog", "animal", "pet", "thing"}
    assert ANIMALS.ancestors["thing"] == frozenset()


def test_what_excludes_a_concept_excludes_all_below_it() -> None:
    assert ANIMALS.exclude("rock", "poodle")
    assert ANIMALS.exclude("poodle", "cat")
    assert not ANIMALS.exclude("pet", "cat")


@pytest.mark.parametrize(
    ("one", "other", "relation"),
    [
        ("dog", "dog", "same"),
        ("poodle", "animal", "ancestor"),
        ("cat", "poodle", "excluded"),
        ("cat", "pet", "apart"),
    ],
)
def test_two_classes_stand_in_one_relation_whichever_comes_first(
    one: str, other: str, relation: str
) -> None:
    assert ANIMALS.relation(one, other) == ANIMALS.relation(other, one) == relation


def test_a_group_says_the_nearest_classes_above_it() -> None:
    grouped = Taxonomy((*ANIMALS.concepts, Concept("toy dog", ("dog",), group=True)))
    assert grouped.classes_of("toy dog") == {"dog"}
    assert grouped.classes_of("poodle") == {"poodle"}
    assert grouped.classes_of("thing") == frozenset()


def test_a_chain_of_ten_thousand_concepts_is_no_deep_recursion() -> None:
    names = [f"c{i}" for i in range(10_000)]
    below = [Concept(n, (p,)) for n, p in pairwise(names[:301])]
    assert len(Taxonomy((*below, Concept("c300"))).ancestors["c0"]) == 300
    ring = [Concept(n, (p,)) for n, p in zip(names, [*names[1:], names[0]], strict=True)]
    (fault,) = concept_faults(ring)
    assert fault.expected.count("<") == 10_000


def test_a_cycle_is_named_whole() -> None:
    (expected,) = messages(
        Concept("start", ("a",)), Concept("a", ("b",)), Concept("b", ("c",)), Concept("c", ("a",))
    )
    assert expected.endswith("a < b < c < a")


def test_a_class_above_itself_is_a_cycle() -> None:
    assert messages(Concept("a", ("a",)))[0].endswith("this is one: a < a")


def test_an_unknown_parent_is_named_with_the_class_that_it_may_mean() -> None:
    faults = concept_faults([Concept("animal"), Concept("dog", ("animl",))])
    assert [(f.concept, f.field, f.entry, f.found) for f in faults] == [(1, "parents", 0, "animl")]
    assert faults[0].expected.endswith("did you mean 'animal'?")


def test_each_repeated_class_is_a_fault() -> None:
    assert [f.concept for f in concept_faults([Concept("a"), Concept("b"), Concept("a")])] == [2]


@pytest.mark.parametrize(
    ("concepts", "why"),
    [
        ([Concept("a", excludes=("a",))], "'a' excludes itself"),
        ([Concept("a"), Concept("b", ("a",), excludes=("a",))], "every 'b' is 'a'"),
        ([Concept("a", excludes=("b",)), Concept("b", ("a",))], "every 'b' is 'a'"),
        (
            [Concept("a", excludes=("b",)), Concept("b"), Concept("c", ("a", "b"))],
            "nothing could be of this class",
        ),
    ],
)
def test_an_exclusion_that_no_item_could_live_with_is_a_fault(
    concepts: list[Concept], why: str
) -> None:
    (expected,) = messages(*concepts)
    assert why in expected


@given(sound())
def test_ancestors_are_transitive_and_never_of_themselves(taxonomy: Taxonomy) -> None:
    for name, above in taxonomy.ancestors.items():
        assert name not in above
        assert all(taxonomy.ancestors[upper] <= above for upper in above)


@given(sound())
def test_exclusion_is_symmetric_and_inherited_and_never_of_oneself(taxonomy: Taxonomy) -> None:
    for one in taxonomy.by_name:
        assert not taxonomy.exclude(one, one)
        for other in taxonomy.by_name:
            assert taxonomy.exclude(one, other) == taxonomy.exclude(other, one)
            if any(taxonomy.exclude(upper, other) for upper in taxonomy.ancestors[one]):
                assert taxonomy.exclude(one, other)


@given(sound())
def test_the_most_specific_of_names_are_above_none_of_them(taxonomy: Taxonomy) -> None:
    kept = taxonomy.most_specific(taxonomy.by_name)
    assert kept
    assert all(taxonomy.relation(a, b) != "ancestor" for a in kept for b in kept)


@given(sound())
def test_the_distance_is_a_metric(taxonomy: Taxonomy) -> None:
    apart = taxonomy.distances(list(taxonomy.by_name))
    assert (apart == apart.T).all()
    assert not np.diagonal(apart).any()
    assert (apart[:, None, :] <= apart[:, :, None] + apart.T[None, :, :] + 1e-12).all()


def test_an_ancestor_is_nearer_than_a_sibling_and_a_sibling_nearer_than_a_stranger() -> None:
    apart = ANIMALS.distances(["dog", "animal", "cat", "rock"])
    assert apart[0].tolist() == pytest.approx([0, 1 / 2, 3 / 5, 4 / 5])


def test_without_parents_alpha_with_the_taxonomys_distance_is_the_nominal_one() -> None:
    flat = Taxonomy((Concept("a"), Concept("b"), Concept("c")))
    votes = pl.DataFrame(
        {"item_id": list("112233"), "actor": list("xyxyxy"), "label": list("aabcbb")}
    )
    rows = count_votes(VoteCodes.of(votes, flat.classes))
    nominal = krippendorff_alpha(rows)
    assert krippendorff_alpha(rows, scale=flat.distances(flat.classes)) == pytest.approx(nominal)


def test_votes_that_exclude_each_other_are_counted_with_examples() -> None:
    votes = pl.DataFrame(
        [
            ("1", "human:ana", "human", "cat"),
            ("1", "human:ben", "human", "poodle"),
            ("1", "function:f", "function", "poodle"),
            ("2", "human:ana", "human", "dog"),
            ("2", "function:f", "function", "animal"),
            ("3", "human:ana", "human", "pet"),
            ("3", "function:f", "function", "cat"),
            ("3", "function:g", "function", None),
        ],
        schema=["item_id", "actor", "actor_kind", "label"],
        orient="row",
    )
    found = contradictions(ANIMALS, votes)
    assert found.pairs.rows() == [
        ("animal", "dog", "ancestor", 1, 0),
        ("cat", "pet", "apart", 1, 0),
        ("cat", "poodle", "excluded", 1, 1),
    ]
    assert found.examples.rows() == [
        ("1", "cat", ["human:ana"], "poodle", ["function:f", "human:ben"])
    ]


def test_no_votes_contradict_nothing() -> None:
    schema = dict.fromkeys(("item_id", "actor", "actor_kind", "label"), pl.String)
    assert contradictions(ANIMALS, pl.DataFrame(schema=schema)).items("excluded") == 0
