"""Near-duplicate images, hashes and embeddings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.duplicates.embeddings import find_in_embeddings, near_duplicates_embeddings
from quality.duplicates.errors import DuplicatesError
from quality.duplicates.hashes import dhash, phash, thumbnail
from quality.duplicates.images import (
    find_in_images,
    near_duplicates_hashes,
    near_duplicates_images,
    pairs_within,
)

Image = np.ndarray


def picture(seed: int, side: int = 64) -> Image:
    """A smooth random picture, as photographs are."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((6, 6))
    rows = np.linspace(0, 5, side)
    along = np.array([np.interp(rows, range(6), line) for line in coarse])
    return np.array([np.interp(rows, range(6), line) for line in along.T]).T * 200 + 20


def bits_apart(one: np.uint64, two: np.uint64) -> int:
    return int(np.bitwise_count(one ^ two))


def altered(image: Image) -> list[Image]:
    rng = np.random.default_rng(9)
    return [
        np.kron(image, np.ones((2, 2))),
        image * 0.6 + 30,
        np.clip(image + rng.normal(0, 4, image.shape), 0, 255).astype(np.uint8),
        np.stack([image] * 3, axis=-1),
    ]


@pytest.mark.parametrize("hashed", [dhash, phash])
@pytest.mark.parametrize("seed", range(5))
def test_a_hash_survives_scale_brightness_noise_and_channels(hashed, seed: int) -> None:
    image = picture(seed)
    assert all(bits_apart(hashed(image), hashed(other)) <= 6 for other in altered(image))


@pytest.mark.parametrize("hashed", [dhash, phash])
def test_hashes_of_different_pictures_lie_far_apart(hashed) -> None:
    hashes = [hashed(picture(seed)) for seed in range(30)]
    apart = [bits_apart(one, two) for k, one in enumerate(hashes) for two in hashes[:k]]
    assert np.median(apart) > 20


def test_dhash_by_hand() -> None:
    rising = np.tile(np.arange(9.0), (8, 1))
    assert dhash(rising) == np.uint64(2**64 - 1)
    assert dhash(rising[:, ::-1]) == np.uint64(0)


def test_a_thumbnail_averages_over_areas() -> None:
    halves = np.array([[0.0, 0.0, 4.0, 8.0]] * 2)
    seen = thumbnail(halves, side=2)
    assert seen is not None
    assert seen.tolist() == pytest.approx([-0.5, 0.5, -0.5, 0.5])


@pytest.mark.parametrize("name", ["dhash", "phash"])
def test_altered_pictures_are_found_among_others(name) -> None:
    images = [picture(seed) for seed in range(40)] + altered(picture(3))
    found = near_duplicates_images([f"i{k}" for k in range(44)], images, hash_name=name)
    assert found["item_id"].to_list() == ["i40", "i41", "i42", "i43"]
    assert found["duplicate_of"].to_list() == ["i3"] * 4
    assert found["similarity"].min() > 0.95


def test_pictures_of_one_shade_are_left_out() -> None:
    found = find_in_images(["a", "b"], [np.full((8, 8), 3), np.zeros((4, 4))])
    assert (found.n_left_out, found.n_duplicates) == (2, 0)


def test_no_images_are_no_duplicates() -> None:
    assert near_duplicates_images([], []).height == 0


@pytest.mark.parametrize("image", [np.zeros(3), np.zeros((0, 4)), np.full((2, 2), np.nan)])
def test_what_is_no_image_is_refused(image: Image) -> None:
    with pytest.raises(DuplicatesError):
        near_duplicates_images(["a"], [image])


@settings(max_examples=40)
@given(st.integers(0, 8), st.integers(0, 2**32))
def test_all_hashes_within_the_distance_are_found(distance: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 2**64, 40, dtype=np.uint64)
    for k in range(20):
        flipped = rng.choice(64, rng.integers(1, 11), replace=False)
        hashes[20 + k] = hashes[k] ^ np.uint64(sum(1 << int(bit) for bit in flipped))
    one, two, skipped = pairs_within(hashes, distance)
    expected = {
        frozenset((i, j))
        for i in range(40)
        for j in range(i)
        if bits_apart(hashes[i], hashes[j]) <= distance
    }
    assert skipped == 0
    assert {frozenset(pair) for pair in zip(one.tolist(), two.tolist(), strict=True)} == expected


def test_similarity_of_hashes_is_the_share_of_equal_bits() -> None:
    found = near_duplicates_hashes(["a", "b", "c"], [0, 2**63 - 1, 0b111])
    assert found.rows() == [("c", "a", 1 - 3 / 64)]


def test_a_distance_that_reaches_everything_is_refused() -> None:
    with pytest.raises(DuplicatesError, match="max_distance=20"):
        near_duplicates_hashes(["a"], [0], max_distance=20)


def turned(vectors: np.ndarray, cosine: float, rng: np.random.Generator) -> np.ndarray:
    """Vectors at a given cosine to each of the given ones."""
    along = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    across = rng.normal(size=vectors.shape)
    across -= (across * along).sum(axis=1, keepdims=True) * along
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    return along * cosine + across * np.sqrt(1 - cosine**2)


def test_among_few_embeddings_all_near_ones_are_found_exactly() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=(500, 32))
    vectors = np.vstack([base, turned(base[:50], 0.951, rng), turned(base[50:90], 0.949, rng)])
    found = near_duplicates_embeddings([f"i{k}" for k in range(590)], vectors, seed=0)
    assert found["duplicate_of"].to_list() == [f"i{k}" for k in range(50)]
    assert found["similarity"].to_list() == pytest.approx([0.951] * 50, abs=1e-5)


@pytest.mark.parametrize("offset", [0.0, 1.0])
def test_among_many_embeddings_near_ones_are_found_as_often_as_stated(offset: float) -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(offset, 1, size=(24_000, 24))
    vectors = np.vstack([base, turned(base[:1000], 0.97, rng)])
    names = [f"i{k}" for k in range(25_000)]
    found = find_in_embeddings(names, vectors, threshold=0.97 - 1e-4, seed=0)
    pairs = set(found.frame.select("item_id", "duplicate_of").rows())
    planted = {(f"i{24_000 + k}", f"i{k}") for k in range(1000)}
    assert 0.95 < found.recall < 1
    assert len(pairs & planted) >= 950
    assert found.n_candidates < 25_000 * 24_999 / 2 / 20


def test_a_threshold_too_low_for_many_embeddings_is_refused() -> None:
    vectors = np.random.default_rng(0).normal(size=(20_001, 3))
    with pytest.raises(DuplicatesError, match="raise it"):
        near_duplicates_embeddings([f"i{k}" for k in range(20_001)], vectors, threshold=0.1, seed=0)


def test_embeddings_without_direction_are_left_out() -> None:
    vectors = np.array([[0.0, 0.0], [np.nan, 1.0], [1.0, 0.0], [2.0, 0.0]])
    found = find_in_embeddings(["a", "b", "c", "d"], vectors, seed=0)
    assert found.n_left_out == 2
    assert found.frame.rows() == [("d", "c", 1.0)]


def test_equal_embeddings_in_great_number_are_one_group() -> None:
    found = find_in_embeddings([f"i{k}" for k in range(3000)], np.ones((3000, 4)), seed=0)
    assert (found.n_groups, found.n_duplicates) == (1, 2999)
