"""The sections of synthetic items: made of labeled ones, or out of templates."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StrictFloat, StrictInt

from assets.dataset_file.section import NAME, Section, Share


class SyntheticBase(Section):
    """One way in which synthetic items are made; it votes as `synthetic:NAME`."""

    modalities: ClassVar[tuple[str, ...]] = ("image", "tabular")
    fewest_examples: ClassVar[int] = 1

    name: str = Field(pattern=NAME, description="Names its actor, `synthetic:NAME`.")
    description: str = Field("", description="Shown in the Dagster UI.")
    classes: tuple[str, ...] = Field(
        (),
        description="Of which classes; empty for the rare ones, which have fewer labels in the "
        "train split than `up_to` of the largest class's.",
    )
    count: StrictInt | None = Field(
        None,
        ge=1,
        description="How many of each class; without it as many as bring the class to `up_to`.",
    )
    up_to: Share = Field(0.5, description="Share of the largest class's number of labels.")
    seed: StrictInt = Field(0, description="All chance in the making comes from this number.")

    @property
    def actor(self) -> str:
        """Who votes for its items."""
        return f"synthetic:{self.name}"


class OfParents(SyntheticBase):
    """What is made of labeled items of the train split."""

    columns: tuple[str, ...] = Field(
        (),
        description="Tables: number columns that are moved; empty for all that hold no "
        "categories. All others are taken as they are.",
    )


class AugmentSource(OfParents):
    """One item, changed so little that its class stays what it is."""

    kind: Literal["augment"] = Field(description="Changes one item a little.")
    shift: Share = Field(0.08, description="Images: way in each direction, of the side.")
    rotate_degrees: StrictFloat = Field(10.0, ge=0, le=180, description="Images: turn, at most.")
    elastic: Share = Field(0.0, description="Images: local displacements, of the longer side.")
    noise: Share = Field(0.02, description="Images: standard deviation, of the range of values.")
    jitter: StrictFloat = Field(
        0.1, ge=0, description="Tables: noise, as a share of the class's standard deviation."
    )


class MixSource(OfParents):
    """Two items of one class, drawn by chance and blended."""

    fewest_examples: ClassVar[int] = 2

    kind: Literal["mix"] = Field(description="Blends two items of one class.")
    smallest_share: StrictFloat = Field(
        0.2, ge=0, le=0.5, description="Each of the two makes up at least this much."
    )


class InterpolateSource(OfParents):
    """A point between an item and one of its neighbours of the same class (SMOTE)."""

    fewest_examples: ClassVar[int] = 2

    kind: Literal["interpolate"] = Field(description="A point between near items of a class.")
    neighbours: StrictInt = Field(5, ge=1, le=100, description="Nearest items that are drawn from.")


class TemplatesSource(SyntheticBase):
    """Texts out of templates whose slots are filled by chance; made of no item."""

    modalities: ClassVar[tuple[str, ...]] = ("text",)
    fewest_examples: ClassVar[int] = 0

    kind: Literal["templates"] = Field(description="Fills slots of templates (modality text).")
    templates: dict[str, tuple[str, ...]] = Field(
        min_length=1, description="Templates by class; a slot is a name in braces."
    )
    slots: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="What a slot may be filled with, by its name."
    )


SyntheticSource = Annotated[
    AugmentSource | MixSource | InterpolateSource | TemplatesSource, Field(discriminator="kind")
]
