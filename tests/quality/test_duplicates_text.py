"""Near-duplicate texts: exact similarity, few misses, the same result in any order."""

import json
import random
from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.duplicates.candidates import (
    distinct_pairs,
    meeting_chance,
    pairs_skipped,
    rows_per_band,
    sharing_a_key,
)
from quality.duplicates.errors import DuplicatesError
from quality.duplicates.exact import exact_duplicates
from quality.duplicates.minhash import band_keys, signatures
from quality.duplicates.report import spanning
from quality.duplicates.shingles import Shingles, jaccard, normalized, shingled
from quality.duplicates.text import find_in_texts, near_duplicates_text

SENTENCE = "the quick brown fox jumps over the lazy dog near the river bank"


def shingle_set(text: str) -> set[str]:
    return {text[i : i + 5] for i in range(max(len(text) - 4, 1))}


def sentences(n: int, seed: int = 0) -> list[str]:
    rng = random.Random(seed)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(3000)]
    return [" ".join(rng.choices(words, k=15)) for _ in range(n)]


def ids(texts: list[str] | list[str | None]) -> list[str]:
    return [f"i{k}" for k in range(len(texts))]


@settings(max_examples=200)
@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_jaccard_is_that_of_the_sets_of_five_characters(one: str, two: str) -> None:
    sets = shingled(pl.Series([one, two])).as_sets()
    expected = [shingle_set(one), shingle_set(two)]
    found = jaccard(sets, np.array([0]), np.array([1]))[0]
    assert found == len(expected[0] & expected[1]) / len(expected[0] | expected[1])


def test_a_signature_estimates_the_similarity_without_bias() -> None:
    rng = np.random.default_rng(0)
    union = rng.integers(0, 2**63, (500, 100), dtype=np.uint64)
    hashes = np.concatenate([union[:, :80], union[:, 20:]], axis=1).ravel()
    shingles = Shingles(hashes, np.arange(0, hashes.size + 1, 80))
    signed = signatures(shingles, values=128, seed=0)
    equal = (signed[::2] == signed[1::2]).mean(axis=1)
    assert equal.mean() == pytest.approx(0.6, abs=0.006)
    assert equal.std() == pytest.approx(np.sqrt(0.6 * 0.4 / 128), rel=0.15)


def test_a_changed_word_is_found_and_its_similarity_is_exact() -> None:
    changed = SENTENCE.replace("lazy", "hazy")
    found = near_duplicates_text(["a", "b", "c"], [SENTENCE, "something else", changed], seed=0)
    one, two = shingle_set(SENTENCE), shingle_set(changed)
    assert found.rows() == [("c", "a", len(one & two) / len(one | two))]


def test_case_spacing_and_form_of_characters_do_not_matter() -> None:
    texts = [SENTENCE, f"  {SENTENCE.upper()}\n", SENTENCE.replace(" ", "\t "), "\ufb01n", "fin"]
    found = near_duplicates_text(ids(texts), texts, seed=0)
    assert found.rows() == [("i1", "i0", 1.0), ("i2", "i0", 1.0), ("i4", "i3", 1.0)]


def test_nearly_all_pairs_above_the_threshold_are_found_and_none_below() -> None:
    texts = sentences(2000)
    for k in range(200):
        words = texts[k].split()
        words[k % 15] = "changed"
        texts.append(" ".join(words))
    found = find_in_texts(ids(texts), texts, threshold=0.7, seed=0)
    planted = set(zip(ids(texts)[2000:], ids(texts), strict=False))
    assert len(planted & set(found.frame.select("item_id", "duplicate_of").rows())) >= 190
    assert found.frame["similarity"].min() >= 0.7


def test_without_near_duplicates_few_pairs_are_compared() -> None:
    texts = sentences(5000)
    found = find_in_texts(ids(texts), texts, seed=0)
    assert found.n_duplicates == 0
    assert found.n_candidates < 500


def test_a_chain_is_one_group_and_the_first_given_stands_for_it() -> None:
    texts = [SENTENCE, SENTENCE + " with a tail", SENTENCE + " with a tail that wags"]
    found = near_duplicates_text(ids(texts), texts, threshold=0.7, seed=0)
    assert found["duplicate_of"].to_list() == ["i0", "i0"]


def test_groups_are_the_same_in_any_order() -> None:
    texts = sentences(300) + [text + " x" for text in sentences(100)]
    order = list(range(len(texts)))
    random.Random(1).shuffle(order)
    names = ids(texts)
    straight = near_duplicates_text(names, texts, seed=0)
    mixed = near_duplicates_text([names[k] for k in order], [texts[k] for k in order], seed=0)
    pairs = [{frozenset(row[:2]) for row in frame.iter_rows()} for frame in (straight, mixed)]
    assert pairs[0] == pairs[1]


def test_null_and_empty_texts_are_left_out_and_counted() -> None:
    found = find_in_texts(["a", "b", "c", "d"], [None, "", "  ", None], seed=0)
    assert (found.n_left_out, found.n_duplicates) == (4, 0)


def test_no_texts_are_no_duplicates() -> None:
    assert near_duplicates_text([], [], seed=0).height == 0


def test_a_million_equal_keys_are_no_million_squared_pairs() -> None:
    keys = np.zeros(10_000, dtype=np.uint64)
    compared = sum(len(one) for one, _ in sharing_a_key(keys))
    assert compared == 10 * 10_000 - 55
    assert compared + pairs_skipped(keys) == 10_000 * 9_999 // 2


@given(st.lists(st.integers(0, 5), max_size=60))
def test_in_small_crowds_all_pairs_of_equal_key_are_found(keys: list[int]) -> None:
    given_keys = np.array(keys, dtype=np.uint64)
    one, two = distinct_pairs([sharing_a_key(given_keys)], len(keys))
    pairs = combinations(range(len(keys)), 2)
    expected = [(i, j) for i, j in pairs if keys[i] == keys[j]]
    assert list(zip(one.tolist(), two.tolist(), strict=True)) == expected


def test_a_crowd_of_boilerplate_is_one_group() -> None:
    texts = [f"{SENTENCE} {SENTENCE} thank you for your order number {n}" for n in range(500)]
    found = find_in_texts(ids(texts), texts, seed=0)
    assert (found.n_groups, found.n_duplicates) == (1, 499)
    assert found.n_skipped > 0


def test_bands_hold_their_recall() -> None:
    rows = rows_per_band(0.8, 128, 0.98)
    assert meeting_chance(0.8, 128 // rows, rows) >= 0.98
    assert meeting_chance(0.8, 128 // (rows + 1), rows + 1) < 0.98


def test_band_keys_are_equal_just_where_the_bands_are() -> None:
    signed = np.array([[1, 2, 3, 4], [1, 2, 4, 3], [2, 1, 3, 4]], dtype=np.uint32)
    first, second = band_keys(signed, 2)
    assert first[0] == first[1] != first[2]
    assert second[0] == second[2] != second[1]


def test_normalizing_twice_changes_nothing() -> None:
    once = normalized(pl.Series(["  A\u00a0B  c ", "\u212b"]))
    assert normalized(once).to_list() == once.to_list()


def test_exact_duplicates_are_those_of_one_digest() -> None:
    found = exact_duplicates(["a", "b", "c", "d", "e"], ["x", "y", "x", None, None])
    assert found.rows() == [("c", "a", 1.0)]


def test_the_report_says_what_was_looked_for() -> None:
    found = find_in_texts(["a", "b"], [SENTENCE, SENTENCE + "!"], seed=0)
    assert json.loads(found.to_json())["n_groups"] == 1
    assert found.to_markdown().startswith("**1 of 2 items** are near-duplicates")


@pytest.mark.parametrize(
    ("names", "threshold", "words"),
    [
        (["a"], 0.8, "1 item ids for 2 items"),
        (["a", "a"], 0.8, "1 item ids are repeated"),
        (["a", "b"], 0.0, "threshold=0.0"),
        (["a", "b"], 1.5, "threshold=1.5"),
        (["a", "b"], 0.4, "from 0.5 to 1"),
    ],
)
def test_what_cannot_be_compared_is_refused(names, threshold, words) -> None:
    with pytest.raises(DuplicatesError, match=words):
        near_duplicates_text(names, ["x", "y"], threshold=threshold, seed=0)


COMMENTS = Path(__file__).parents[2].parent / "shared" / "data" / "youtube-spam" / "train.json"


@pytest.mark.skipif(not COMMENTS.exists(), reason=f"no comments at {COMMENTS}")
def test_among_real_comments_the_search_misses_next_to_nothing() -> None:
    read = json.loads(COMMENTS.read_text(encoding="utf-8"))
    comments = [entry["data"]["text"] for entry in read.values()]
    sets = shingled(normalized(pl.Series(comments))).as_sets()
    one, two = (side.astype(np.int64) for side in np.triu_indices(len(comments), 1))
    alike = jaccard(sets, one, two) >= 0.7
    _, expected = spanning(len(comments), one[alike], two[alike])
    found = find_in_texts(ids(comments), comments, threshold=0.7, seed=0)
    assert found.n_duplicates >= 0.99 * len(expected) > 250
    assert found.n_candidates < 2000
