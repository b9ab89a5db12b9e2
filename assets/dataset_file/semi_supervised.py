"""The sections of labelers that learn from items without a label, too."""

from typing import ClassVar, Literal

from pydantic import Field, StrictFloat, StrictInt

from assets.dataset_file.labelers import EstimatorLabeler, NetworkLabeler, TrainedLabeler
from assets.dataset_file.section import Share, Width


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


class SelfTrainingLabeler(SemiSupervisedLabeler, EstimatorLabeler):
    """A scikit-learn estimator that also learns what it is sure of, trained on releases."""

    kind: Literal["self_training"] = Field(
        description="An estimator that labels what it is sure of, and learns again from that, too."
    )
    threshold: Share = Field(
        0.9, description="It takes its own label where its probability is at least this."
    )
    rounds: StrictInt = Field(10, ge=1, le=100, description="How often it learns again at most.")


class FixMatchLabeler(SemiSupervisedLabeler, NetworkLabeler):
    """A network that answers alike to an item and to strong changes of it, trained on releases."""

    kind: Literal["fixmatch"] = Field(
        description="A network that learns to give changed unlabeled items the class it is sure of."
    )
    channels: tuple[Width, ...] = Field(
        (32, 64), description="Widths of convolutions before the hidden layers; for pixels only."
    )
    steps: StrictInt = Field(1500, ge=1, le=1_000_000, description="Steps of the training.")
    batch_size: StrictInt = Field(32, ge=1, description="Labeled items of one step.")
    unlabeled_per_labeled: StrictInt = Field(
        4, ge=1, le=64, description="Unlabeled items of one step for each labeled one."
    )
    threshold: Share = Field(
        0.95,
        description="An unlabeled item is learned where its best probability is at least this.",
    )
    unlabeled_weight: StrictFloat = Field(
        1.0, ge=0, description="Weight of the unlabeled items' loss beside the labeled ones'."
    )
    learning_rate: StrictFloat = Field(
        0.002, gt=0, description="Step size of AdamW at first; it falls to a fifth."
    )
    averaging: StrictFloat = Field(
        0.99, ge=0, lt=1, description="Share of the running mean of the weights kept at each step."
    )
