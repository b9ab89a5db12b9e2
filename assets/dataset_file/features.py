"""The section that says what of an item models and the drift monitor see."""

from typing import Literal

from pydantic import Field, StrictInt, model_validator

from assets.dataset_file.encoder import Encoder
from assets.dataset_file.section import Section

OF_ENCODERS = ("embeddings", "encoder_inputs", "embeddings_and_inputs")


class Features(Section):
    """What of an item the models and the drift monitor see."""

    kind: Literal[
        "auto",
        "pixels",
        "hashed_ngrams",
        "columns",
        "embeddings",
        "encoder_inputs",
        "embeddings_and_inputs",
    ] = Field(
        "auto",
        description="auto: pixels for images, hashed n-grams for text, columns for tables. "
        "embeddings are made by the encoder; the last two are for labelers that train one.",
    )
    encoder: Encoder | None = Field(None, description="What makes the embeddings.")
    image_side: StrictInt = Field(
        16, ge=4, le=256, description="Images are scaled to this many pixels."
    )
    dimensions: StrictInt = Field(4096, ge=16, le=65536, description="Width of the hashed n-grams.")
    category_buckets: StrictInt = Field(
        64, ge=2, le=4096, description="Columns that each categorical column is hashed to."
    )

    @model_validator(mode="after")
    def _encoder_given(self) -> "Features":
        if self.kind in OF_ENCODERS and self.encoder is None:
            raise ValueError(f"features.encoder beside kind: {self.kind}")
        return self
