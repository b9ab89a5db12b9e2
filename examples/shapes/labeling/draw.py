"""Draws the pictures of this example and simulates its two detectors; nothing here is real.

Run it in the project's folder to make inbox/shapes and predictions again.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

SEED = 7
PICTURES = 24
WIDTH, HEIGHT = 96, 72
CLASSES = ("circle", "square", "triangle")
COLOURS = ((196, 64, 48), (48, 112, 176), (56, 136, 72), (200, 152, 40))


@dataclass(frozen=True)
class Detector:
    """A simulated detector.

    Attributes:
        misses: Share of the shapes that it does not find.
        invents: Boxes a picture where there is nothing, on average.
        confuses: Share of its finds that it names wrongly.
        wavers: Standard deviation of each side, in pixels.
    """

    misses: float
    invents: float
    confuses: float
    wavers: float


DETECTORS = {
    "careful": Detector(misses=0.04, invents=0.02, confuses=0.02, wavers=0.5),
    "hasty": Detector(misses=0.15, invents=0.25, confuses=0.08, wavers=1.2),
}
Box = tuple[int, int, int, int]


def scenes(seed: int = SEED) -> list[list[tuple[str, Box]]]:
    """What stands in each picture: class and box (left, top, width, height); no two overlap."""
    rng = np.random.default_rng(seed)
    found: list[list[tuple[str, Box]]] = []
    for _ in range(PICTURES):
        scene: list[tuple[str, Box]] = []
        for _ in range(int(rng.integers(0, 5))):
            size = int(rng.integers(12, 26))
            place = (int(rng.integers(1, WIDTH - size)), int(rng.integers(1, HEIGHT - size)))
            box = (*place, size, size)
            if not any(_touch(box, other) for _, other in scene):
                scene.append((str(rng.choice(CLASSES)), box))
        found.append(scene)
    return found


def draw(scene: list[tuple[str, Box]], number: int) -> Image.Image:
    """The picture of a scene, on a ground of its own grey."""
    image = Image.new("RGB", (WIDTH, HEIGHT), (222 + number, 226, 230))
    pen = ImageDraw.Draw(image)
    for place, (name, (x, y, width, height)) in enumerate(scene):
        colour, right, bottom = COLOURS[place % len(COLOURS)], x + width - 1, y + height - 1
        if name == "circle":
            pen.ellipse((x, y, right, bottom), fill=colour)
        elif name == "square":
            pen.rectangle((x, y, right, bottom), fill=colour)
        else:
            pen.polygon([(x, bottom), (right, bottom), ((x + right) / 2, y)], fill=colour)
    return image


def results(detector: Detector, seed: int) -> list[dict[str, Any]]:
    """What a detector says of all pictures, as COCO results."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for number, scene in enumerate(scenes()):
        for name, box in scene:
            if rng.random() < detector.misses:
                continue
            wrong = [other for other in CLASSES if other != name]
            named = str(rng.choice(wrong)) if rng.random() < detector.confuses else name
            sides = np.array(box) + rng.normal(0, detector.wavers, 4)
            rows.append(_row(number, named, sides, rng.uniform(0.6, 1)))
        for _ in range(rng.poisson(detector.invents)):
            corner = rng.uniform(0, (WIDTH - 20, HEIGHT - 20))
            sides = np.array([*corner, *rng.uniform(8, 18, 2)])
            rows.append(_row(number, str(rng.choice(CLASSES)), sides, rng.uniform(0.3, 0.7)))
    return rows


def images() -> dict[str, Any]:
    """File names, sizes and categories, as COCO's annotation files have them."""
    listed = [
        {"id": number, "file_name": file_name(number), "width": WIDTH, "height": HEIGHT}
        for number in range(PICTURES)
    ]
    categories = [{"id": place, "name": name} for place, name in enumerate(CLASSES, start=1)]
    return {"images": listed, "categories": categories}


def file_name(number: int) -> str:
    """The name of a picture's file."""
    return f"shapes-{number:02}.png"


def write(root: Path) -> None:
    """All files of the example that are made: pictures, listing, results."""
    for folder in ("inbox/shapes", "predictions"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for number, scene in enumerate(scenes()):
        draw(scene, number).save(root / "inbox/shapes" / file_name(number), optimize=True)
    _save(root / "predictions/images.json", images())
    for place, (name, detector) in enumerate(DETECTORS.items()):
        _save(root / f"predictions/{name}.json", results(detector, SEED + 1 + place))


def _touch(one: Box, other: Box) -> bool:
    apart = 3
    return all(
        one[axis] < other[axis] + other[axis + 2] + apart
        and other[axis] < one[axis] + one[axis + 2] + apart
        for axis in (0, 1)
    )


def _row(number: int, name: str, sides: np.ndarray, score: float) -> dict[str, Any]:
    low = np.clip(sides[:2], 0, None)
    size = np.minimum(low + sides[2:], (WIDTH, HEIGHT)) - low
    return {
        "image_id": number,
        "category_id": CLASSES.index(name) + 1,
        "bbox": [round(float(side), 2) for side in (*low, *size)],
        "score": round(float(score), 3),
    }


def _save(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path.cwd())
