"""Classes out of SKOS and OWL (https://www.w3.org/TR/skos-reference/, .../owl2-syntax/).

A concept's name is its skos:prefLabel or rdfs:label, else the end of its IRI. Above it is what
skos:broader and rdfs:subClassOf name, and what names it by skos:narrower; anonymous OWL
expressions are left out. It excludes what owl:disjointWith and owl:AllDisjointClasses say. Its
terms are all its labels in the wanted languages.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from assets.dataset_file.faults import Fault
from assets.dataset_file.ontology import Classes, OntologyClass
from assets.dataset_file.wording import expectation

# JSON-LD is left out: a context in it can be an address that reading would fetch.
FORMATS = {".ttl": "turtle", ".nt": "nt", ".rdf": "xml", ".owl": "xml", ".xml": "xml"}

_SKOS = "http://www.w3.org/2004/02/skos/core#"
_RDFS = "http://www.w3.org/2000/01/rdf-schema#"
_OWL = "http://www.w3.org/2002/07/owl#"
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_TYPES = (f"{_SKOS}Concept", f"{_OWL}Class", f"{_RDFS}Class")
_ABOVE = (f"{_SKOS}broader", f"{_RDFS}subClassOf")
_NARROWER = f"{_SKOS}narrower"
_NAMES = (f"{_SKOS}prefLabel", f"{_RDFS}label")
_OTHER_NAMES = (f"{_SKOS}altLabel", f"{_SKOS}hiddenLabel")
_MEANINGS = (f"{_SKOS}definition", f"{_RDFS}comment")


def read_graph(
    file: Path, languages: Sequence[str], largest_bytes: int
) -> tuple[tuple[OntologyClass, ...] | None, list[Fault]]:
    """The classes of a SKOS or OWL file, sorted by IRI, or what is wrong with it."""
    try:
        import rdflib
    except ModuleNotFoundError:
        expected = "rdflib to read it with; install it: pip install 'rdflib>=7.6'"
        return None, [Fault(file, 1, None, (), None, expected)]
    try:
        content = file.read_bytes()
    except OSError as error:
        return None, [Fault(file, 1, None, (), None, f"a file that can be read ({error.strerror})")]
    if len(content) > largest_bytes:
        expected = f"a file of at most {largest_bytes} bytes, not {len(content)}"
        return None, [Fault(file, 1, None, (), None, expected)]
    graph = rdflib.Graph()
    try:
        graph.parse(data=content, format=FORMATS[file.suffix])
    except Exception as error:  # noqa: BLE001 - each parser of rdflib raises errors of its own
        return None, [_unreadable(file, error)]
    return _Concepts(file, content.decode("utf-8", "replace"), graph, tuple(languages)).classes()


def _unreadable(file: Path, error: Exception) -> Fault:
    """Turtle's parser counts lines from 0, XML's from 1, that of N-Triples not at all."""
    line = getattr(error, "lines", -1) + 1 or getattr(error, "getLineNumber", lambda: 1)()
    told = " ".join(str(error).partition(" at ^")[0].split())[:200]
    return Fault(
        file, line, None, (), None, f"a file in the format {FORMATS[file.suffix]} ({told})"
    )


@dataclass(frozen=True)
class _Concepts:
    """The concepts of one graph."""

    file: Path
    text: str
    graph: Any
    languages: tuple[str, ...]

    def classes(self) -> tuple[tuple[OntologyClass, ...] | None, list[Fault]]:
        strange = [
            (iri, other)
            for links in (self._above, self._apart)
            for iri, others in links.items()
            for other in others
            if other not in self._names
        ]
        if strange:
            expected = "a concept that this file describes, {} is none"
            return None, [self._fault(iri, expected.format(other)) for iri, other in strange]
        rows = [self._row(iri, name) for iri, name in self._names.items()]
        try:
            return Classes.model_validate({"classes": rows}).classes, []
        except ValidationError as error:
            return None, [self._unfit(details) for details in error.errors()]

    def _row(self, iri: str, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "description": next(iter(self._texts(iri, _MEANINGS)), ""),
            "parent": [self._names[upper] for upper in self._above.get(iri, ())],
            "terms": self._texts(iri, (*_NAMES, *_OTHER_NAMES)),
            "excludes": [self._names[other] for other in self._apart.get(iri, ())],
        }

    @cached_property
    def _names(self) -> Mapping[str, str]:
        """The name of each concept by its IRI, sorted by IRI: what has a type or a place."""
        described = {iri for iri, kind in self._links(_TYPE) if kind in _TYPES}
        described |= {iri for above in _ABOVE for iri, _ in self._links(above)}
        described |= {iri for pair in self._links(_NARROWER) for iri in pair}
        return {iri: self._name(iri) for iri in sorted(described - {f"{_OWL}Thing"})}

    def _name(self, iri: str) -> str:
        texts = self._texts(iri, _NAMES)
        return texts[0] if texts else re.split(r"[#/:]", iri.rstrip("#/"))[-1]

    def _texts(self, iri: str, predicates: Sequence[str]) -> list[str]:
        """What is said of a concept in the wanted languages, theirs first, then in none."""
        found = []
        for order, predicate in enumerate(predicates):
            for text in self.graph.objects(_iri(iri), _iri(predicate)):
                place = self._place(getattr(text, "language", None))
                if place is not None:
                    found.append((place, order, " ".join(str(text).split())))
        return list(dict.fromkeys(text for *_, text in sorted(found) if text))

    def _place(self, language: str | None) -> int | None:
        if language is None:
            return len(self.languages)
        spoken = language.lower()
        return next(
            (
                place
                for place, wanted in enumerate(self.languages)
                if spoken == wanted.lower() or spoken.startswith(f"{wanted.lower()}-")
            ),
            None,
        )

    @cached_property
    def _above(self) -> Mapping[str, list[str]]:
        pairs = {pair for above in _ABOVE for pair in self._links(above)}
        pairs |= {(lower, upper) for upper, lower in self._links(_NARROWER)}
        return _grouped(pair for pair in pairs if pair[1] != f"{_OWL}Thing")

    @cached_property
    def _apart(self) -> Mapping[str, list[str]]:
        pairs = set(self._links(f"{_OWL}disjointWith"))
        for members in self.graph.objects(None, _iri(f"{_OWL}members")):
            pairs |= set(permutations(map(str, self.graph.items(members)), 2))
        return _grouped(pairs)

    def _links(self, predicate: str) -> Iterator[tuple[str, str]]:
        """Pairs of IRIs that a predicate links; anonymous nodes are left out."""
        named = type(_iri(predicate))
        for one, other in self.graph.subject_objects(_iri(predicate)):
            if isinstance(one, named) and isinstance(other, named):
                yield str(one), str(other)

    def _unfit(self, details: ErrorDetails) -> Fault:
        place = details["loc"][1] if len(details["loc"]) > 1 else 0
        return self._fault(list(self._names)[int(place)], expectation(details, None))

    def _fault(self, iri: str, expected: str) -> Fault:
        """A fault of a concept, in the line where its name stands first."""
        end = re.split(r"[#/:]", iri)[-1]
        found = re.search(rf"\b{re.escape(end)}\b", self.text) if end else None
        line = self.text.count("\n", 0, found.start()) + 1 if found else 1
        return Fault(self.file, line, None, (iri,), None, expected)


def _grouped(pairs: Iterable[tuple[str, str]]) -> Mapping[str, list[str]]:
    grouped: dict[str, list[str]] = defaultdict(list)
    for one, other in sorted(pairs):
        grouped[one].append(other)
    return grouped


def _iri(iri: str) -> Any:
    from rdflib import URIRef

    return URIRef(iri)
