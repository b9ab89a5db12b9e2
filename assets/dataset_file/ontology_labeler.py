"""The section of the labeler that finds the ontology's terms."""

from typing import ClassVar, Literal

from pydantic import Field, StrictBool

from assets.dataset_file.labelers import LabelerBase


class OntologyLabeler(LabelerBase):
    """The terms of the ontology's classes, found in texts; it is the actor `ontology:NAME`."""

    icon: ClassVar[str] = "graph"

    kind: Literal["ontology"] = Field(
        description="Terms of the ontology in texts and rows; images have none."
    )
    match_names: StrictBool = Field(True, description="Whether a class's name is a term of it.")
    columns: tuple[str, ...] = Field(
        (), description="Of a tabular item, the columns that are searched; empty searches all."
    )
