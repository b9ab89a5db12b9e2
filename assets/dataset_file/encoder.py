"""The section of an encoder: the pretrained network that turns items into embeddings."""

from typing import Any, Literal

from pydantic import Field, StrictInt, model_validator

from assets.dataset_file.section import Section


class Encoder(Section):
    """A pretrained network; `encoder: SOURCE` is short for a section with its source alone."""

    source: str = Field(
        min_length=1,
        description="A folder of the project, `package:NAME` for an installed package that brings "
        "one, or `hub:OWNER/NAME` (`@REVISION` behind it pins one), fetched where it is not here.",
    )
    pickles: tuple[str, ...] = Field(
        (),
        description="Files with weights that may be loaded though they are pickles, by name: "
        "loading a pickle can run any code.",
    )
    backbone: str | None = Field(
        None,
        description="Import path of what makes the network, where the folder holds nothing but "
        "weights: torchvision.models.resnet18, for example.",
    )
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="Arguments of the backbone."
    )
    max_tokens: StrictInt = Field(
        128, ge=4, le=8192, description="A text is cut off after so many tokens."
    )
    image_side: StrictInt | None = Field(
        None,
        ge=4,
        le=1024,
        description="Images are scaled to this many pixels; by default to what the folder's "
        "preprocessor_config.json says.",
    )
    device: Literal["cpu", "cuda"] = Field(
        "cpu", description="Embeddings of a GPU differ in their last bits: another version."
    )

    @model_validator(mode="before")
    @classmethod
    def _source_alone(cls, given: Any) -> Any:
        return {"source": given} if isinstance(given, str) else given
