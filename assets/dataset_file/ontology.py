"""The section that says what a label may be."""

from typing import Any

from pydantic import Field, model_validator

from assets.dataset_file.section import CLASS_NAME, Section


class OntologyClass(Section):
    """One class."""

    name: str = Field(pattern=CLASS_NAME, description="The label as votes write it.")
    description: str = Field("", description="What an item of this class is, for people.")


class Ontology(Section):
    """The classes that a label may be."""

    version: str = Field("1", description="Change it whenever the classes change.")
    classes: tuple[OntologyClass, ...] = Field(
        min_length=2, description="At least two; plain text stands for a class's name."
    )

    @model_validator(mode="before")
    @classmethod
    def _plain_names(cls, data: Any) -> Any:
        classes = data.get("classes") if isinstance(data, dict) else None
        if not isinstance(classes, list | tuple):
            return data
        whole = [c if isinstance(c, dict | OntologyClass) else {"name": c} for c in classes]
        return {**data, "classes": whole}

    @model_validator(mode="after")
    def _unique(self) -> "Ontology":
        names = self.names
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"each class once; {repeated} stand more than once")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Class names in their order."""
        return tuple(c.name for c in self.classes)
