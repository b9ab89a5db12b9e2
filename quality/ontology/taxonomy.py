"""A taxonomy: concepts below concepts, what excludes what, and how far classes are apart.

A concept says all that its ancestors say. What excludes a concept excludes all that is below it,
as OWL's disjointWith does (https://www.w3.org/TR/owl2-syntax/#Disjoint_Classes).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Relation = Literal["same", "ancestor", "excluded", "apart"]


@dataclass(frozen=True)
class Concept:
    """One node of a taxonomy.

    Attributes:
        name: The class as votes write it.
        parents: Names of the concepts right above it.
        terms: Words and phrases that stand for it in a text.
        excludes: Names of concepts that an item of this one cannot be.
        group: Whether it only groups others: no vote names it.
    """

    name: str
    parents: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    group: bool = False


@dataclass(frozen=True)
class Taxonomy:
    """Concepts that were found to be without faults (quality.ontology.faults)."""

    concepts: tuple[Concept, ...]

    @cached_property
    def by_name(self) -> Mapping[str, Concept]:
        """Each concept by its name."""
        return {concept.name: concept for concept in self.concepts}

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """What a vote may name, in the order given."""
        return tuple(concept.name for concept in self.concepts if not concept.group)

    @cached_property
    def is_flat(self) -> bool:
        """Whether nothing is above anything and nothing excludes anything."""
        return not any(concept.parents or concept.excludes for concept in self.concepts)

    @cached_property
    def ancestors(self) -> Mapping[str, frozenset[str]]:
        """All that is above each concept, at any distance; itself left out."""
        found: dict[str, frozenset[str]] = {}
        for name in self._parents_first():
            parents = self.by_name[name].parents
            found[name] = frozenset(parents).union(*(found[parent] for parent in parents))
        return found

    def above(self, name: str) -> frozenset[str]:
        """A concept and all that is above it: all that an item of it is said to be."""
        return self.ancestors[name] | {name}

    def exclude(self, one: str, other: str) -> bool:
        """Whether an item cannot be both: they, or what is above them, exclude each other."""
        others = self.above(other)
        return any(not self._excluded[upper].isdisjoint(others) for upper in self.above(one))

    def relation(self, one: str, other: str) -> Relation:
        """How two concepts stand to each other; the same whichever is named first."""
        if one == other:
            return "same"
        if one in self.ancestors[other] or other in self.ancestors[one]:
            return "ancestor"
        return "excluded" if self.exclude(one, other) else "apart"

    def most_specific(self, names: Iterable[str]) -> frozenset[str]:
        """The named concepts that are above no other of them."""
        named = frozenset(names)
        return named.difference(*(self.ancestors[name] for name in named))

    def classes_of(self, name: str) -> frozenset[str]:
        """The most specific classes that a concept says: itself, or the nearest above it."""
        concept = self.by_name[name]
        above = self.above(name) if concept.group else {name}
        return self.most_specific(upper for upper in above if not self.by_name[upper].group)

    def distances(self, classes: Sequence[str]) -> NDArray[np.float64]:
        """(K, K) how far classes are apart: the share of what they say that only one of them says.

        Jaccard's distance of the two sets of a class and its ancestors. Without parents all
        classes are equally far apart, and Krippendorff's alpha is the nominal one.
        """
        from quality.agreement.distances import jaccard_distances

        return jaccard_distances([self.above(name) for name in classes])

    @cached_property
    def _excluded(self) -> Mapping[str, frozenset[str]]:
        """What each concept excludes by a statement of its own or of the other."""
        found: dict[str, set[str]] = {concept.name: set() for concept in self.concepts}
        for concept in self.concepts:
            for other in concept.excludes:
                found[concept.name].add(other)
                found[other].add(concept.name)
        return {name: frozenset(others) for name, others in found.items()}

    def _parents_first(self) -> Iterator[str]:
        """Every name, after the names of its parents; deep chains need no deep stack."""
        done: set[str] = set()
        for start in self.by_name:
            stack = [start]
            while stack:
                name = stack[-1]
                waiting = [p for p in self.by_name[name].parents if p not in done]
                if waiting:
                    stack.extend(waiting)
                else:
                    stack.pop()
                    if name not in done:
                        done.add(name)
                        yield name
