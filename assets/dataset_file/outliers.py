"""The section that asks for outliers to be listed."""

from typing import Literal

from pydantic import Field, StrictInt

from assets.dataset_file.section import Section, Share


class Outliers(Section):
    """Items unlike all others, listed and shown with every snapshot."""

    by: Literal["description", "features"] = Field(
        "description",
        description="What is compared: the columns that drift watches (size, brightness, length "
        "...), or the features that models see.",
    )
    neighbours: StrictInt = Field(
        10, ge=1, description="An item is far when its so many nearest others are."
    )
    max_share: Share = Field(0.05, description="The check warns when more items are outliers.")
    max_items: StrictInt = Field(
        5_000, ge=2, description="Of more items so many are compared, the same ones every time."
    )
