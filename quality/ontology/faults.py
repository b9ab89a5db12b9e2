"""What is wrong with concepts before they make a taxonomy: every fault, each with its place."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import combinations
from typing import Literal

from quality.ontology.taxonomy import Concept, Taxonomy

Field = Literal["name", "parents", "excludes"]


@dataclass(frozen=True)
class ConceptFault:
    """One thing that is wrong.

    Attributes:
        concept: Place of the concept among the concepts.
        field: Which of its fields.
        entry: Place in the field's list; None for the name.
        found: The name that stands there.
        expected: What should stand there instead.
    """

    concept: int
    field: Field
    entry: int | None
    found: str
    expected: str


def concept_faults(concepts: Sequence[Concept]) -> tuple[ConceptFault, ...]:
    """Every fault of the concepts, in their order: none, and they make a taxonomy.

    Exclusions are looked at once names and parents are sound: they follow the parents.
    """
    faults = [*_repeated(concepts), *_unknown(concepts)]
    if not faults:
        faults = [*_cycles(concepts)]
    if not faults:
        faults = [*_impossible(Taxonomy(tuple(concepts)))]
    return tuple(sorted(faults, key=lambda fault: fault.concept))


def _repeated(concepts: Sequence[Concept]) -> Iterator[ConceptFault]:
    seen: set[str] = set()
    for place, concept in enumerate(concepts):
        if concept.name in seen:
            expected = f"each class once; '{concept.name}' stands further up already"
            yield ConceptFault(place, "name", None, concept.name, expected)
        seen.add(concept.name)


def _unknown(concepts: Sequence[Concept]) -> Iterator[ConceptFault]:
    known = {concept.name for concept in concepts}
    for place, concept in enumerate(concepts):
        fields: Mapping[Field, tuple[str, ...]] = {
            "parents": concept.parents,
            "excludes": concept.excludes,
        }
        for field, names in fields.items():
            for entry, name in enumerate(names):
                if name not in known:
                    close = get_close_matches(name, sorted(known), n=1)
                    hint = f"; did you mean '{close[0]}'?" if close else ""
                    expected = f"a class of this ontology, '{name}' is none{hint}"
                    yield ConceptFault(place, field, entry, name, expected)


def _cycles(concepts: Sequence[Concept]) -> Iterator[ConceptFault]:
    """One fault for each way back that a walk upwards meets, with the whole way in it."""
    place = {concept.name: i for i, concept in enumerate(concepts)}
    done: set[str] = set()
    for start in place:
        depth = {start: 0} if start not in done else {}
        left = [iter(concepts[place[start]].parents)]
        while depth:
            here = next(reversed(depth))
            upper = next(left[-1], None)
            if upper is None:
                done.add(here)
                del depth[here]
                left.pop()
            elif upper in depth:
                round_trip = [*list(depth)[depth[upper] :], upper]
                expected = f"no cycle of parents; this is one: {' < '.join(round_trip)}"
                entry = concepts[place[here]].parents.index(upper)
                yield ConceptFault(place[here], "parents", entry, upper, expected)
            elif upper not in done:
                depth[upper] = len(depth)
                left.append(iter(concepts[place[upper]].parents))


def _impossible(taxonomy: Taxonomy) -> Iterator[ConceptFault]:
    """Exclusions that no item could live with."""
    for place, concept in enumerate(taxonomy.concepts):
        for entry, name in enumerate(concept.excludes):
            why = _why_not(taxonomy, concept.name, name)
            if why:
                yield ConceptFault(place, "excludes", entry, name, f"a class that {why}")
        for one, other in combinations(concept.parents, 2):
            if taxonomy.exclude(one, other):
                expected = (
                    f"parents that an item can be both of; '{one}' and '{other}' "
                    "exclude each other, so that nothing could be of this class"
                )
                yield ConceptFault(place, "parents", concept.parents.index(other), other, expected)


def _why_not(taxonomy: Taxonomy, name: str, excluded: str) -> str | None:
    if name == excluded:
        return f"is another; '{name}' excludes itself"
    if excluded in taxonomy.ancestors[name]:
        return f"is not above it; every '{name}' is '{excluded}'"
    if name in taxonomy.ancestors[excluded]:
        return f"is not below it; every '{excluded}' is '{name}'"
    return None
