"""The sections of the labelers: who votes beside people."""

from typing import Any, ClassVar, Literal

from pydantic import Field, StrictFloat, StrictInt

from assets.dataset_file.features import Features
from assets.dataset_file.section import NAME, Section, Share, Width


class LabelerBase(Section):
    """One source of votes other than people."""

    icon: ClassVar[str] = "python"
    tasks: ClassVar[tuple[str, ...]] = ("classification",)

    name: str = Field(pattern=NAME, description="Names its asset; a model votes as `model:NAME`.")
    description: str = Field("", description="Shown in the Dagster UI.")

    def features_of(self, features: Features) -> Features:
        """The features that it works on, given the dataset's."""
        return features


class TrainedLabeler(LabelerBase):
    """A labeler that learns from releases: retraining makes its candidates and champions."""

    vote_above: Share = Field(
        0.0, description="The model abstains where its best probability is lower."
    )
    seed: StrictInt = Field(0, description="All chance in its training comes from this number.")
    class_weights: Literal["none", "balanced", "effective_number"] = Field(
        "none", description="What an item of a rare class weighs more than one of a common class."
    )
    sampling: Literal["none", "over", "under"] = Field(
        "none", description="Rows of rare classes are repeated, or some of common ones left out."
    )
    decision: Literal["argmax", "label_shares", "even", "tuned"] = Field(
        "argmax",
        description="How probabilities are moved by class: not at all; back to the class shares of "
        "the labels, undoing weights and sampling; as if all classes were as common; to the best "
        "macro-F1 on the valid split.",
    )


class FunctionsLabeler(LabelerBase):
    """The user's Python labeling functions; each is an actor `function:FUNCTION`."""

    kind: Literal["functions"] = Field(description="Python functions of the project.")
    path: str = Field(description="A Python file below the project's folder.")
    time_limit_seconds: StrictFloat = Field(
        5, gt=0, description="A function that takes longer on an item abstains there."
    )


class EstimatorLabeler(TrainedLabeler):
    """What sections of scikit-learn estimators share."""

    icon: ClassVar[str] = "scikitlearn"

    estimator: str = Field(
        "sklearn.linear_model.LogisticRegression", description="Import path of the class."
    )
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="Arguments of the estimator."
    )


class SklearnLabeler(EstimatorLabeler):
    """Any scikit-learn estimator over the dataset's features, trained on releases."""

    kind: Literal["sklearn"] = Field(description="A scikit-learn classifier.")


class NetworkLabeler(TrainedLabeler):
    """What sections of small networks share."""

    icon: ClassVar[str] = "pytorch"

    channels: tuple[Width, ...] = Field(
        (), description="Widths of convolutions before the hidden layers; for pixels only."
    )
    hidden: tuple[Width, ...] = Field((128,), description="Widths of the hidden layers.")
    weight_decay: StrictFloat = Field(0.0001, ge=0, description="Weight decay of AdamW.")
    dropout: StrictFloat = Field(0.1, ge=0, lt=1, description="Share of hidden units left out.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="auto takes a GPU where there is one; on the CPU runs repeat exactly."
    )


class TorchLabeler(NetworkLabeler):
    """A small network over the dataset's features, trained on releases."""

    kind: Literal["torch"] = Field(description="A small neural network.")
    epochs: StrictInt = Field(60, ge=1, le=10_000, description="Passes over the training set.")
    batch_size: StrictInt = Field(64, ge=1, description="Items of one step.")
    learning_rate: StrictFloat = Field(0.002, gt=0, description="Step size of AdamW.")
    patience: StrictInt | None = Field(
        None, ge=1, description="Stop after so many epochs without a better loss on a tenth kept."
    )
