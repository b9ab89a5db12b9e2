"""Changes that leave an item's class as it is."""

import torch

from assets.labelers.augmentation import Pictures, Vectors


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def dots(n: int) -> torch.Tensor:
    """Pictures of 8 x 8, dark but for a bright dot in the middle."""
    pictures = torch.zeros(n, 8, 8)
    pictures[:, 3:5, 3:5] = 1.0
    return pictures.reshape(n, 64)


def test_a_weak_change_shifts_by_at_most_an_eighth_and_keeps_the_ink() -> None:
    rows = Pictures(8, 0.0).weak(dots(200), chance()).reshape(200, 8, 8)
    assert torch.allclose(rows.sum(dim=(1, 2)), torch.tensor(4.0), atol=1e-4)
    place = torch.arange(8.0)
    middle = (rows.sum(dim=1) * place).sum(dim=1) / 4
    assert (middle - 3.5).abs().max() <= 1.0 + 1e-4
    assert middle.std() > 0.3


def test_each_row_is_changed_by_chance_of_its_own_that_the_seed_settles() -> None:
    change = Pictures(8, 0.0)
    first, second = change.strong(dots(5), chance()), change.strong(dots(5), chance())
    assert torch.equal(first, second)
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first, change.strong(dots(5), chance(1)))


def test_a_strong_change_is_larger_than_a_weak_one() -> None:
    change, rows = Pictures(8, 0.0), dots(100)
    weak, strong = change.weak(rows, chance()), change.strong(rows, chance())
    assert (strong - rows).abs().mean() > 1.5 * (weak - rows).abs().mean()


def test_what_comes_in_from_outside_and_what_is_cut_out_has_the_level_of_the_ground() -> None:
    paper = torch.full((20, 64), 0.9)
    assert torch.allclose(Pictures(8, 0.9).weak(paper, chance()), paper)


def test_numbers_get_noise_in_units_of_their_spread() -> None:
    scale = torch.tensor([1.0, 1000.0])
    change = Vectors(torch.zeros(2), scale, sparse=False)
    moved = (change.weak(torch.zeros(4000, 2), chance()) / scale).std(dim=0)
    assert torch.allclose(moved, torch.tensor([0.1, 0.1]), atol=0.01)


def test_a_strong_change_of_numbers_sets_some_to_their_mean() -> None:
    change = Vectors(torch.tensor([5.0, 6.0]), torch.zeros(2), sparse=False)
    rows = change.strong(torch.zeros(4000, 2), chance())
    assert set(rows[:, 0].tolist()) == {0.0, 5.0}
    assert abs((rows[:, 1] == 6.0).float().mean().item() - 0.25) < 0.03


def test_sparse_features_only_ever_lose() -> None:
    rows = (torch.rand(50, 400, generator=chance(3)) < 0.05).float()
    change = Vectors(torch.zeros(400), torch.ones(400), sparse=True)
    for changed in (change.weak(rows, chance()), change.strong(rows, chance())):
        assert (changed <= rows).all()
        assert changed.sum() < rows.sum()
