"""The section that says what of an item models and the drift monitor see."""

from typing import Literal

from pydantic import Field, StrictInt

from assets.dataset_file.section import Section


class Features(Section):
    """What of an item the models and the drift monitor see."""

    kind: Literal["auto", "pixels", "hashed_ngrams", "columns"] = Field(
        "auto", description="auto: pixels for images, hashed n-grams for text, columns for tables."
    )
    image_side: StrictInt = Field(
        16, ge=4, le=256, description="Images are scaled to this many pixels."
    )
    dimensions: StrictInt = Field(4096, ge=16, le=65536, description="Width of the hashed n-grams.")
    category_buckets: StrictInt = Field(
        64, ge=2, le=4096, description="Columns that each categorical column is hashed to."
    )
