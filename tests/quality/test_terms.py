"""Terms are found as whole words, the longest first, whatever their script."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.ontology.taxonomy import Concept, Taxonomy
from quality.ontology.terms import TermMatcher, folded

FOOD = Taxonomy(
    (
        Concept("food", terms=("meal", "Essen", "寿司", "खाना")),
        Concept("hot dog", ("food",), ("hot dog", "frankfurter")),
        Concept("animal", excludes=("food",)),
        Concept("dog", ("animal",), ("dog", "C++", "straße")),
        Concept("cat", ("animal",), ("cat", "jaguar")),
        Concept("pug", ("dog",), ("pug",), group=True),
        Concept("car", terms=("jaguar", "hot rod")),
    )
)
MATCHER = TermMatcher(FOOD)


def label(text: str) -> str | None:
    found = MATCHER.find(pl.Series([text]))
    return found["label"].item() if found.height else None


def reason(text: str) -> str | None:
    return MATCHER.find(pl.Series([text]))["reason"].item()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A dog.", "dog"),
        ("DOG!", "dog"),
        ("dogma and hotdogs", None),
        ("dogs", None),
        ("a hot\n  dog, please", "hot dog"),
        ("hot-dog", "dog"),
        ("we write c++ here", "dog"),
        ("we write c", None),
        ("in der STRASSE", "dog"),
        ("今日は寿司を食べる", "food"),
        ("खाना अच्छा है", "food"),
        ("खान अच्छा है", None),
        ("a meal of frankfurters", "food"),
        ("", None),
    ],
)
def test_a_term_is_found_as_whole_words_in_any_case(text: str, expected: str | None) -> None:
    assert label(text) == expected


def test_decomposed_letters_are_the_same_letters() -> None:
    cafe = TermMatcher(Taxonomy((Concept("cafe", terms=("caf\u00e9",)),)), match_names=False)
    found = cafe.find(pl.Series(["Cafe\u0301 au lait", "cafe au lait"]))
    assert found["text"].to_list() == [0]


def test_the_longest_term_decides_what_overlapping_terms_say() -> None:
    assert label("one hot dog") == "hot dog"
    assert reason("a hot dog for my dog") == "terms of classes that exclude each other"


def test_a_term_says_the_parents_too_and_the_most_specific_class_is_the_vote() -> None:
    assert label("an animal: a dog") == "dog"
    assert label("my pug is an animal") == "dog"


def test_terms_of_several_classes_say_nothing_and_why() -> None:
    assert label("a dog and a cat") is None
    assert reason("a dog and a cat") == "terms of several classes"
    assert reason("a cat as a meal") == "terms of classes that exclude each other"


def test_an_ambiguous_term_says_nothing_but_others_beside_it_do() -> None:
    assert MATCHER.ambiguous == {"jaguar": ("cat", "car")}
    assert reason("a jaguar") == "only ambiguous terms"
    assert label("a jaguar, my cat") == "cat"


def test_names_count_as_terms_only_where_wanted() -> None:
    quiet = TermMatcher(FOOD, match_names=False)
    assert quiet.find(pl.Series(["an animal"])).is_empty()
    assert label("an animal") == "animal"


def test_a_taxonomy_without_terms_finds_nothing() -> None:
    bare = TermMatcher(Taxonomy((Concept("a"), Concept("b"))), match_names=False)
    assert bare.find(pl.Series(["a b", None], dtype=pl.String)).is_empty()


@given(st.lists(st.sampled_from(["hot", "dog", "cat", "meal", "of", "jaguar", "rod", ","])))
def test_what_is_found_does_not_depend_on_spaces_case_or_other_texts(words: list[str]) -> None:
    plain, spread = " ".join(words), "\n".join(words).upper()
    found = MATCHER.find(pl.Series(["a cat", plain, spread]))
    rows = {text: rest for text, *rest in found.rows()}
    assert rows.get(1) == rows.get(2)


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert folded(folded(text)) == folded(text)
