"""The section that says what is mended in items before they are taken in."""

from typing import Literal

from pydantic import Field, StrictBool, StrictInt, model_validator

from assets.dataset_file.section import Section


class Cleaning(Section):
    """What is mended in texts and images; nothing unless it is asked for.

    An item is known by its content: settle this before the first batch.
    """

    encoding: StrictBool = Field(
        False, description="Texts: UTF-8 that was read as another encoding is undone."
    )
    html: StrictBool = Field(False, description="Texts: `&amp;` and the like become characters.")
    controls: StrictBool = Field(False, description="Texts: control characters are dropped.")
    unicode: StrictBool = Field(False, description="Texts: Unicode normalization form C.")
    spaces: StrictBool = Field(
        False, description="Texts: runs of white space become one, none stay at the ends."
    )
    min_characters: StrictInt = Field(1, ge=1, description="Texts: a shorter one is rejected.")
    max_characters: StrictInt | None = Field(
        None, ge=1, description="Texts: a longer one is rejected."
    )
    upright: StrictBool = Field(False, description="Images: turned as their EXIF data says.")
    mode: Literal["grey", "colour"] | None = Field(
        None, description="Images: all in one mode, transparent ones laid on white."
    )
    min_side: StrictInt = Field(1, ge=1, description="Images: a smaller one is rejected.")
    max_side: StrictInt | None = Field(
        None, ge=1, description="Images: a larger one is scaled down to this longer side."
    )

    @model_validator(mode="after")
    def _in_order(self) -> "Cleaning":
        for least, most in (("min_characters", "max_characters"), ("min_side", "max_side")):
            low, high = getattr(self, least), getattr(self, most)
            if high is not None and high < low:
                raise ValueError(f"{most} of at least {least} = {low}; it is {high}")
        return self
