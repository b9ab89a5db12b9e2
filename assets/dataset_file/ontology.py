"""The section that says what a label may be."""

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StrictBool,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from assets.dataset_file.section import CLASS_NAME, Section
from quality.ontology.faults import concept_faults
from quality.ontology.mapping import ClassMapping
from quality.ontology.taxonomy import Concept, Taxonomy

_FIELDS = {"name": "name", "parents": "parent", "excludes": "excludes"}


def _one_or_several(value: Any) -> Any:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value


def _with_words(terms: tuple[str, ...]) -> tuple[str, ...]:
    wordless = [term for term in terms if not any(map(str.isalnum, term))]
    if wordless:
        raise ValueError(f"terms with a letter or digit each; {wordless} have none")
    return terms


Names = Annotated[tuple[str, ...], BeforeValidator(_one_or_several)]
Terms = Annotated[tuple[str, ...], AfterValidator(_with_words)]


class OntologyClass(Section):
    """One class."""

    name: str = Field(pattern=CLASS_NAME, description="The label as votes write it.")
    description: str = Field("", description="What an item of this class is, for people.")
    parent: Names = Field((), description="The class right above it; several are a list.")
    terms: Terms = Field((), description="Words and phrases that stand for it in a text.")
    excludes: Names = Field(
        (), description="Classes that an item of this one cannot be, nor of any class below them."
    )
    group: StrictBool = Field(False, description="It only groups others: no vote names it.")


class Classes(Section):
    """Classes that stand above and below each other: also what a `source` in YAML holds."""

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
    def _a_taxonomy(self) -> "Classes":
        faults = [*self._faults()]
        if faults:
            raise ValidationError.from_exception_data(type(self).__name__, faults)
        return self

    def _faults(self) -> Iterator[InitErrorDetails]:
        for fault in concept_faults(self.taxonomy.concepts):
            entry = () if fault.entry is None else (fault.entry,)
            place = ("classes", fault.concept, _FIELDS[fault.field], *entry)
            yield unfit(place, fault.found, fault.expected)

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """The classes as a graph."""
        return Taxonomy(
            tuple(Concept(c.name, c.parent, c.terms, c.excludes, c.group) for c in self.classes)
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the classes that a vote may name, in their order."""
        return self.taxonomy.classes


class Ontology(Classes):
    """The classes that a label may be."""

    version: str = Field("1", description="Change it whenever the classes change.")
    source: str | None = Field(
        None,
        description="A file below the project's folder that holds the classes: YAML, or SKOS or "
        "OWL (.ttl, .nt, .rdf, .owl, .xml). `classes` then name those of it that a vote may "
        "name, the others only group; without `classes` all may be named.",
    )
    languages: tuple[str, ...] = Field(
        ("en",),
        min_length=1,
        description="Of a SKOS or OWL source: names are in the first of them that a concept has, "
        "terms in all.",
    )
    mapping: dict[str, dict[str, Names]] = Field(
        default_factory=dict,
        description="By older version and class, what the class is now: one class, a list where "
        "it was split and people have to look, nothing where it was dropped. Classes that stayed "
        "as they were need no line.",
    )

    def _faults(self) -> Iterator[InitErrorDetails]:
        yield from super()._faults()
        if len(self.names) < 2:  # noqa: PLR2004 - one class is no choice
            yield unfit(("classes",), self.classes, "at least two classes that are no groups")
        if self.version in self.mapping:
            expected = f"an older version; '{self.version}' is the current one"
            yield unfit(("mapping", self.version, "[key]"), self.version, expected)
        for version, classes in self.mapping.items():
            for name, now in classes.items():
                strange = [each for each in now if each not in self.names]
                if strange:
                    expected = f"classes of this version; {strange} are none, or groups"
                    yield unfit(("mapping", version, name), now, expected)

    @cached_property
    def carries(self) -> ClassMapping:
        """What votes of older versions say now."""
        return ClassMapping(self.version, self.names, self.mapping)


def unfit(place: tuple[str | int, ...], found: Any, expected: str) -> InitErrorDetails:
    """A fault of a place in a section, told like pydantic's own."""
    kind = PydanticCustomError("unfit", "{expected}", {"expected": expected})
    return InitErrorDetails(type=kind, loc=place, input=found)
