"""Ontologies in dataset files and in files of their own: what they say, and each fault's line."""

import builtins
from pathlib import Path
from typing import Any

import pytest

from assets.dataset_file.faults import DatasetFileInvalid
from assets.dataset_file.loading import load
from assets.dataset_file.models import Dataset
from assets.dataset_file.references import Names
from quality.ontology.mapping import DROPPED

HEAD = "name: pets\nmodality: text\nontology:\n"
INLINE = """\
  version: "2"
  classes:
    - {name: thing, group: true}
    - {name: animal, parent: thing}
    - {name: dog, parent: animal, terms: [dog, hound], excludes: [cat]}
    - name: cat
      parent: [animal]
  mapping:
    "1": {hound: dog, pet: [dog, cat], misc: null}
"""
SKOS = """\
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix : <http://example.org/pets#> .
:animal a skos:Concept ; skos:prefLabel "animal"@en, "Tier"@de .
:dog a skos:Concept ; skos:prefLabel "dog"@en ; skos:altLabel "hound"@en-GB, "perro"@es ;
  skos:definition "Barks."@en ; skos:broader :animal ; owl:disjointWith :cat .
:cat a skos:Concept ; skos:prefLabel "cat"@en, "Katze"@de .
:animal skos:narrower :cat .
"""
OWL = """\
<?xml version="1.0"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
         xmlns:rdfs="http://www.w3.org/2000/01/rdf-schema#"
         xmlns:owl="http://www.w3.org/2002/07/owl#">
  <owl:Class rdf:about="http://example.org/Animal"/>
  <owl:Class rdf:about="http://example.org/Dog">
    <rdfs:label>dog</rdfs:label>
    <rdfs:subClassOf rdf:resource="http://example.org/Animal"/>
    <rdfs:subClassOf>
      <owl:Restriction><owl:onProperty rdf:resource="http://example.org/p"/></owl:Restriction>
    </rdfs:subClassOf>
  </owl:Class>
</rdf:RDF>
"""


def write(root: Path, ontology: str, rest: str = "", **sources: str) -> Path:
    (root / "datasets").mkdir(exist_ok=True)
    for name, text in sources.items():
        (root / name.replace("_", ".")).write_text(text, encoding="utf-8")
    path = root / "datasets" / "pets.yaml"
    path.write_text(HEAD + ontology + rest, encoding="utf-8")
    return path


def loaded(root: Path, ontology: str, rest: str = "", **sources: str) -> Dataset:
    return load(write(root, ontology, rest, **sources), names=Names())


def faults(root: Path, ontology: str, rest: str = "", **sources: str) -> list[tuple[str, int, str]]:
    """File, line and message of each fault."""
    with pytest.raises(DatasetFileInvalid) as caught:
        loaded(root, ontology, rest, **sources)
    return [(f.path.name, f.line, str(f)) for f in caught.value.faults]


def only(root: Path, ontology: str, rest: str = "", **sources: str) -> tuple[str, int, str]:
    found = faults(root, ontology, rest, **sources)
    assert len(found) == 1, found
    return found[0]


def test_a_taxonomy_stands_in_the_dataset_file(tmp_path: Path) -> None:
    ontology = loaded(tmp_path, INLINE).ontology
    assert ontology.names == ("animal", "dog", "cat")
    assert ontology.taxonomy.above("dog") == {"dog", "animal", "thing"}
    assert ontology.taxonomy.exclude("cat", "dog")
    assert ontology.carries.now("1", "hound") == ("dog",)
    assert ontology.carries.why_aside("1", "misc") == DROPPED


def test_what_a_recipe_keeps_of_an_ontology_gives_it_back_whole(tmp_path: Path) -> None:
    dataset = loaded(tmp_path, INLINE)
    again = Dataset.model_validate(dataset.model_dump(mode="json"))
    assert again == dataset
    assert again.ontology.taxonomy == dataset.ontology.taxonomy


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        (
            "thing, group: true",
            "thing, parent: cat",
            7,
            "this is one: thing < cat < animal < thing",
        ),
        ("[animal]", "[animl]", 10, "did you mean 'animal'?"),
        ("excludes: [cat]", "excludes: [dog]", 8, "'dog' excludes itself"),
        ("excludes: [cat]", "excludes: [animal]", 8, "every 'dog' is 'animal'"),
        ("name: cat", "name: dog", 9, "'dog' stands further up already"),
        ("[dog, hound]", "[dog, '?!']", 8, "['?!'] have none"),
        ("hound: dog", "hound: thing", 12, "['thing'] are none, or groups"),
        ('"1":', '"2":', 12, "'2' is the current one"),
        ("misc: null", "misc: 5", 12, "a list"),
    ],
)
def test_every_fault_of_a_taxonomy_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    found = faults(tmp_path, INLINE.replace(old, new))
    assert any(at == line and message in told for _, at, told in found), found


def test_groups_alone_are_no_classes(tmp_path: Path) -> None:
    text = "  classes: [{name: a, group: true}, b]\n"
    assert "at least two classes that are no groups" in only(tmp_path, text)[2]


def test_classes_come_out_of_a_yaml_file(tmp_path: Path) -> None:
    source = (
        "classes:\n  - animal\n  - {name: dog, parent: animal}\n  - {name: cat, parent: animal}\n"
    )
    ontology = loaded(tmp_path, "  source: pets.yaml\n", pets_yaml=source).ontology
    assert ontology.names == ("animal", "dog", "cat")


def test_listed_classes_are_those_that_votes_may_name_and_the_rest_groups(tmp_path: Path) -> None:
    source = "classes:\n  - animal\n  - {name: dog, parent: animal, terms: [hound]}\n  - cat\n"
    listed = "  source: pets.yaml\n  classes: [cat, {name: dog, terms: [pug]}]\n"
    ontology = loaded(tmp_path, listed, pets_yaml=source).ontology
    assert ontology.names == ("cat", "dog")
    assert ontology.classes[1].terms == ("hound", "pug")
    assert ontology.taxonomy.by_name["animal"].group


def test_a_listed_class_that_the_source_has_not_is_a_fault(tmp_path: Path) -> None:
    source = "classes: [animal, dog]\n"
    listed = "  source: pets.yaml\n  classes: [animal, dgo]\n"
    name, line, told = only(tmp_path, listed, pets_yaml=source)
    assert (name, line) == ("pets.yaml", 5)
    assert "did you mean 'dog'?" in told


def test_faults_of_a_source_are_named_with_its_own_lines(tmp_path: Path) -> None:
    source = "classes:\n  - {name: a, parent: b}\n  - {name: b, parent: a}\n  - {nme: c}\n"
    found = faults(tmp_path, "  source: animals.yaml\n", animals_yaml=source)
    assert {(name, line) for name, line, _ in found} == {("animals.yaml", 4)}
    source = source.replace("nme", "name")
    name, line, told = only(tmp_path, "  source: animals.yaml\n", animals_yaml=source)
    assert (name, line) == ("animals.yaml", 3)
    assert "a < b < a" in told


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nowhere.yaml", "there is none at"),
        ("../pets.yaml", "a file below the project's folder"),
        ("pets.txt", "a file that ends in .yaml, .yml, .ttl"),
    ],
)
def test_a_source_that_cannot_be_read_is_a_fault_of_its_line(
    tmp_path: Path, source: str, message: str
) -> None:
    name, line, told = only(tmp_path, f"  source: {source}\n", pets_txt="")
    assert (name, line) == ("pets.yaml", 4)
    assert message in told


def test_skos_gives_names_terms_parents_and_exclusions(tmp_path: Path) -> None:
    text = "  source: pets.ttl\n  languages: [en, de]\n"
    ontology = loaded(tmp_path, text, pets_ttl=SKOS).ontology
    assert ontology.names == ("animal", "cat", "dog")
    dog, cat = ontology.classes[2], ontology.classes[1]
    assert (dog.description, dog.parent, dog.excludes) == ("Barks.", ("animal",), ("cat",))
    assert dog.terms == ("dog", "hound")
    assert (cat.parent, cat.terms) == (("animal",), ("cat", "Katze"))


def test_the_first_language_that_a_concept_has_names_it(tmp_path: Path) -> None:
    text = "  source: pets.ttl\n  languages: [de, en]\n"
    assert loaded(tmp_path, text, pets_ttl=SKOS).classes == ("Tier", "Katze", "dog")


def test_owl_gives_classes_and_leaves_anonymous_expressions_out(tmp_path: Path) -> None:
    ontology = loaded(tmp_path, "  source: pets.owl\n", pets_owl=OWL).ontology
    assert ontology.names == ("Animal", "dog")
    assert ontology.classes[1].parent == ("Animal",)


def test_all_disjoint_classes_exclude_each_other(tmp_path: Path) -> None:
    more = "[] a owl:AllDisjointClasses ; owl:members (:dog :cat :fish) .\n:fish a owl:Class .\n"
    ontology = loaded(tmp_path, "  source: pets.ttl\n", pets_ttl=SKOS + more).ontology
    assert ontology.taxonomy.exclude("fish", "dog")


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        (":narrower :cat", ":narrower :cat ; skos:broader :dog", 5, "animal < dog < animal"),
        ("skos:broader :animal", "skos:broader :beast", 5, "pets#beast is none"),
        ('"cat"@en', '"dog"@en', 5, "'dog' stands further up already"),
        (":cat a skos:Concept ;", ":cat a skos:Concept", 7, "the format turtle"),
    ],
)
def test_faults_of_a_graph_are_named_with_the_concept_and_its_line(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    name, at, told = only(tmp_path, "  source: pets.ttl\n", pets_ttl=SKOS.replace(old, new))
    assert (name, at) == ("pets.ttl", line), told
    assert message in told


def test_without_rdflib_a_graph_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("rdflib"):
            raise ModuleNotFoundError(name=name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert "pip install 'rdflib" in only(tmp_path, "  source: pets.ttl\n", pets_ttl=SKOS)[2]


TERMS = "labelers: [{name: terms, kind: ontology, match_names: false}]\n"


def test_an_ontology_labeler_on_images_is_a_fault_at_load(tmp_path: Path) -> None:
    path = write(tmp_path, INLINE, TERMS)
    path.write_text(path.read_text().replace("modality: text", "modality: image"))
    with pytest.raises(DatasetFileInvalid, match=r"labelers\[0\].kind.*images hold no terms"):
        load(path, names=Names())


def test_an_ontology_labeler_without_any_term_is_a_fault_at_load(tmp_path: Path) -> None:
    told = only(tmp_path, "  classes: [a, b]\n", TERMS)[2]
    assert "labelers[0].match_names" in told
    assert "there are none to find" in told
