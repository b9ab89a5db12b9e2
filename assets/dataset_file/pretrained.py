"""The sections of labelers that stand on a pretrained encoder."""

from typing import ClassVar, Literal

from pydantic import Field, StrictFloat, StrictInt

from assets.dataset_file.encoder import Encoder
from assets.dataset_file.features import Features
from assets.dataset_file.labelers import LabelerBase, TrainedLabeler

_FEATURES = {"auto": "embeddings_and_inputs", "probe": "embeddings"}


class PretrainedLabeler(TrainedLabeler):
    """A pretrained encoder put to the dataset's classes: probed, or fine-tuned."""

    icon: ClassVar[str] = "huggingface"

    kind: Literal["pretrained"] = Field(description="A pretrained encoder.")
    encoder: Encoder = Field(description="The encoder.")
    strategy: Literal["auto", "probe", "partial", "full", "scratch"] = Field(
        "auto",
        description="probe: a linear model on frozen embeddings. partial: all but the first "
        "layers learn, too. full: all of it learns. scratch: its architecture without what it "
        "knows. auto: the advisor chooses at every training.",
    )
    frozen_layers: StrictInt | None = Field(
        None, ge=1, description="How many layers partial keeps; by default all but the last two."
    )
    epochs: StrictInt = Field(4, ge=1, le=1000, description="Passes over the training set.")
    batch_size: StrictInt = Field(16, ge=2, description="Items of one step.")
    learning_rate: StrictFloat = Field(
        0.00005, gt=0, description="Largest step size of AdamW, partial and full."
    )
    scratch_learning_rate: StrictFloat = Field(
        0.0005, gt=0, description="Largest step size of AdamW, from scratch."
    )
    weight_decay: StrictFloat = Field(0.01, ge=0, description="Weight decay of AdamW.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="auto takes a GPU where there is one; on the CPU runs repeat exactly."
    )

    def features_of(self, features: Features) -> Features:
        """Embeddings for a probe, what the encoder takes in for the others."""
        kind = _FEATURES.get(self.strategy, "encoder_inputs")
        return features.model_copy(update={"kind": kind, "encoder": self.encoder})


class ZeroShotLabeler(LabelerBase):
    """Names the class whose description is most like the text; it learns nothing."""

    icon: ClassVar[str] = "huggingface"

    kind: Literal["zero_shot"] = Field(description="Classes by their descriptions.")
    encoder: Encoder = Field(description="The encoder, of texts.")
    descriptions: dict[str, str] = Field(
        default_factory=dict,
        description="What a text of a class is like, by class; by default as the ontology says.",
    )
    temperature: StrictFloat = Field(
        0.05, gt=0, description="Cosines are divided by it before they become probabilities."
    )
    min_margin: StrictFloat = Field(
        0.02, ge=0, description="It abstains where the best cosine leads the next by less."
    )

    def features_of(self, features: Features) -> Features:
        """Embeddings."""
        return features.model_copy(update={"kind": "embeddings", "encoder": self.encoder})
