"""The sections of labelers that learn from items without a label, too."""

from typing import ClassVar, Literal

from pydantic import Field, StrictFloat, StrictInt

from assets.dataset_file.labelers import TrainedLabeler


class SemiSupervisedLabeler(TrainedLabeler):
    """A labeler that learns from the unlabeled items of the train split beside the labeled."""

    max_unlabeled: StrictInt = Field(
        20_000, ge=0, description="Unlabeled items it learns from at most, drawn at random."
    )


class LabelSpreadingLabeler(SemiSupervisedLabeler):
    """Labels spread over a graph of nearest neighbors, trained on releases."""

    icon: ClassVar[str] = "scipy"

    kind: Literal["label_spreading"] = Field(
        description="Labels spread from item to similar item; good with very few labels."
    )
    method: Literal["spreading", "propagation"] = Field(
        "spreading",
        description="spreading lets neighbors correct a given label, propagation holds to it.",
    )
    neighbors: StrictInt = Field(5, ge=1, le=200, description="Similar items each is tied to.")
    alpha: StrictFloat = Field(
        0.9, gt=0, lt=1, description="Share that spreading takes from neighbors, not from labels."
    )
    metric: Literal["auto", "euclidean", "standardized", "cosine"] = Field(
        "auto",
        description="What similar means; auto: euclidean for pixels, standardized for columns, "
        "cosine for all else.",
    )
