"""Pictures: always a PNG, whatever there is to draw."""

import io
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from PIL import Image

from quality.evaluation.calibration import calibration
from quality.evaluation.comparison import compare
from quality.pictures.bars import actor_scorecards, drift_by_feature, label_distribution
from quality.pictures.change import change_by_cause, score_differences
from quality.pictures.contact_sheet import contact_sheet
from quality.pictures.flow import label_flow
from quality.pictures.matrices import agreement_matrix, confusion
from quality.pictures.reliability import reliability

NAN = float("nan")
FLOWS = pl.DataFrame(
    [("cat", "cat", 8), ("cat", "dog", 2), (None, "dog", 1), ("dog", None, 1)],
    schema=["from_label", "to_label", "n_items"],
    orient="row",
)
PICTURES: dict[str, Callable[[], bytes]] = {
    "distribution": lambda: label_distribution({"cat": 3, "dog": 5}),
    "distribution before": lambda: label_distribution({"cat": 3}, before={"dog": 5}),
    "distribution of many": lambda: label_distribution({f"c{k}": k for k in range(300)}),
    "distribution of none": lambda: label_distribution({}),
    "distribution of zeros": lambda: label_distribution({"cat": 0}),
    "confusion": lambda: confusion([[8, 2], [1, 9]], ["cat", "dog"]),
    "confusion with an unused class": lambda: confusion([[8, 2], [0, 0]], ["cat", "dog"]),
    "confusion of none": lambda: confusion(np.zeros((0, 0)), []),
    "confusion of many": lambda: confusion(np.eye(60), [f"c{k}" for k in range(60)]),
    "agreement": lambda: agreement_matrix([[1, -0.1], [-0.1, 1]], ["ana", "ben"]),
    "agreement of one": lambda: agreement_matrix([[1.0]], ["ana"]),
    "agreement of none": lambda: agreement_matrix(np.zeros((0, 0)), []),
    "scorecards": lambda: actor_scorecards(
        ["ana", "ben"], [0.9, NAN], [0.8, NAN], [1, NAN], [4, 0]
    ),
    "scorecards of none": lambda: actor_scorecards([], [], [], [], []),
    "drift": lambda: drift_by_feature(["x", "y", "z"], [0.1, 0.3, NAN], 0.2),
    "drift with verdicts": lambda: drift_by_feature(["x"], [0.1], [0.2], drifted=[True]),
    "drift of none": lambda: drift_by_feature([], [], 0.2),
    "reliability": lambda: reliability([0.2, 0.9, 1.0, NAN], [False, True, True, True]),
    "calibration": lambda: calibration([0.2, 0.9, 1.0], [False, True, True]).picture(),
    "calibration of none": lambda: calibration([NAN], [True]).picture(),
    "comparison": lambda: compare(["a", "b"], ["a", "a"], ["a", "b"], "ab", seed=1).picture(),
    "reliability of none": lambda: reliability([], []),
    "scores": lambda: score_differences(["accuracy", "loss"], [0.1, NAN], [0.2, NAN], title="t"),
    "scores of none": lambda: score_differences([], [], [], title="t"),
    "scores that are equal": lambda: score_differences(["a"], [0.0], [0.0], title="t"),
    "change": lambda: change_by_cause({"new_items": {"cat": 2.5, "dog": -2.5}}),
    "change of nothing": lambda: change_by_cause({"new_items": {"cat": 0.0}}),
    "change of none": lambda: change_by_cause({}),
    "change of many": lambda: change_by_cause({"a": {f"c{k}": float(k) for k in range(99)}}),
    "flow": lambda: label_flow(FLOWS),
    "flow of none": lambda: label_flow(FLOWS.head(0)),
}


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.filterwarnings("error")
def test_a_picture_is_a_png_that_opens(name: str) -> None:
    with Image.open(io.BytesIO(PICTURES[name]())) as image:
        image.verify()
        assert image.format == "PNG"


def test_the_same_picture_has_the_same_bytes() -> None:
    assert label_flow(FLOWS) == label_flow(FLOWS)


def test_a_mark_in_a_name_is_drawn_and_not_read_as_a_formula() -> None:
    assert label_distribution({"$cost": 3, "a$b_{": 2}).startswith(b"\x89PNG")


def test_a_contact_sheet_shows_every_picture_and_is_the_same_each_time():
    from io import BytesIO

    from PIL import Image

    def tile(side):
        buffer = BytesIO()
        Image.new("L", (side, 2 * side), 128).save(buffer, "PNG")
        return buffer.getvalue()

    tiles = [tile(4), tile(300), tile(9)] * 4
    sheets = [contact_sheet(tiles, ["a long caption"] * 12, title="Some") for _ in range(2)]
    with Image.open(BytesIO(sheets[0])) as sheet:
        grey = sum(count for count, colour in sheet.getcolors(1 << 20) if colour == (128, 128, 128))
    assert sheets[0] == sheets[1]
    assert grey == 12 * 84 * 42
