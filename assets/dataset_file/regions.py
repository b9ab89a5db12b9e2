"""The sections of boxes on images and spans in text: how they are matched, who predicts them."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StrictFloat, StrictInt

from assets.dataset_file.labelers import LabelerBase
from assets.dataset_file.section import Section, Share
from quality.regions.candidates import NO_REGION

Task = Literal["classification", "boxes", "spans"]
MODALITY = {"boxes": "image", "spans": "text"}


class Regions(Section):
    """How boxes or spans become one; only for the tasks boxes and spans."""

    iou: Annotated[StrictFloat, Field(gt=0, le=1)] = Field(
        0.5, description="From which intersection over union two regions are the same thing."
    )
    expected_recall: Annotated[StrictFloat, Field(gt=0, lt=1)] = Field(
        0.9,
        description="Share of the regions that an actor is taken to find until others have looked "
        "at the same items; who looks alone may have missed the rest.",
    )


class CocoResultsLabeler(LabelerBase):
    """A detector's boxes out of a file of COCO results; one actor, `model:NAME`."""

    icon: ClassVar[str] = "json"
    tasks: ClassVar[tuple[str, ...]] = ("boxes",)

    kind: Literal["coco_results"] = Field(description="Boxes in COCO's format.")
    path: str = Field(
        description="JSON below the project's folder: a list of image_id, category_id, bbox, score."
    )
    images: str = Field(
        description="JSON with `images` (id, file_name) and `categories` (id, name), as COCO's "
        "annotation files have; an image that it lists and that has no box was looked at."
    )
    min_score: Share = Field(0.5, description="Boxes with a lower score are left out.")
    classes: dict[StrictInt, str] = Field(
        default_factory=dict, description="Class by category id, where the file's names are others."
    )


class SpanPredictionsLabeler(LabelerBase):
    """A tagger's spans out of JSON Lines; one actor, `model:NAME`."""

    icon: ClassVar[str] = "json"
    tasks: ClassVar[tuple[str, ...]] = ("spans",)

    kind: Literal["span_predictions"] = Field(description="Spans, one a line.")
    path: str = Field(
        description="JSON Lines below the project's folder: item_id, source_uri, id or text; "
        "start, end, label, score. With none of the last four: looked, and found nothing."
    )
    min_score: Share = Field(0.5, description="Spans with a lower score are left out.")


def task_fault(
    task: str,
    modality: str,
    classes: Sequence[str],
    labelers: Sequence[LabelerBase],
    synthetic: Sequence[Section],
) -> str | None:
    """What does not fit the task of a dataset, as what was expected; None where all does."""
    if task in MODALITY and modality != MODALITY[task]:
        return f"modality '{MODALITY[task]}' for the task '{task}', not '{modality}'"
    if task in MODALITY and NO_REGION in classes:
        return f"another name for the class '{NO_REGION}', which stands for no region"
    if task in MODALITY and synthetic:
        return f"no synthetic items for the task '{task}': those that are made have one class"
    strange = [f"{spec.name} ({getattr(spec, 'kind', '?')})" for spec in labelers
               if task not in spec.tasks]  # fmt: skip
    if strange:
        return f"labelers that vote on the task '{task}'; {', '.join(strange)} cannot"
    return None
