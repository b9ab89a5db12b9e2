"""What the ontology says of the votes: which contradict each other, and what a version lost."""

from dataclasses import dataclass
from typing import Any

import dagster as dg

from assets.dataset_file.models import Dataset
from assets.evidence import Evidence, last_release
from assets.metadata import picture, sample
from assets.recipe import canonical_json
from assets.runs import Run, key
from quality.ontology.contradictions import Contradictions, contradictions
from quality.ontology.loss import MappingLoss, mapping_loss
from quality.schema import LABELS

CONTRADICTIONS = "reports/contradictions.json"
LOSS = "reports/ontology_loss.json"
PAGE = "reports/ontology_loss.md"
CLAIM = "no_votes_contradict_the_ontology"


@dataclass(frozen=True)
class OntologyReport:
    """The two reports; either is None where the ontology gives no occasion for it.

    Attributes:
        contradictions: Of votes on the same items; None in an ontology without parents and
            exclusions, where different votes are disagreement and no more.
        loss: Of votes and labels of older versions; None where all are of this one.
    """

    contradictions: Contradictions | None
    loss: MappingLoss | None

    def objects(self) -> dict[str, bytes]:
        """The reports as files."""
        found = {}
        if self.contradictions:
            found[CONTRADICTIONS] = canonical_json(self.contradictions.to_json())
        if self.loss:
            found[LOSS] = canonical_json(self.loss.to_json())
            found[PAGE] = self.loss.to_markdown().encode()
        return found

    def metadata(self) -> dict[str, Any]:
        """What people see of the loss."""
        if self.loss is None:
            return {}
        return {
            "older ontologies": dg.MetadataValue.md(self.loss.to_markdown()),
            "votes of older ontologies": picture(self.loss.picture()),
        }

    def check(self) -> dg.AssetCheckResult:
        """Whether no two votes on an item exclude each other."""
        found = self.contradictions
        excluded = found.items("excluded") if found else 0
        return dg.AssetCheckResult(
            check_name=CLAIM,
            passed=excluded == 0,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"contradictions": excluded, **_told(found)},
        )


def _told(found: Contradictions | None) -> dict[str, Any]:
    if found is None:
        return {"note": "the ontology states no parents and no exclusions"}
    return {
        "pairs": sample(found.pairs, rows=50),
        "examples": sample(found.examples, rows=20),
        "where one class is above the other": found.items("ancestor"),
        "of unrelated classes": found.items("apart"),
    }


def check_spec(dataset: Dataset, asset: str) -> dg.AssetCheckSpec:
    """The check that the report answers."""
    return dg.AssetCheckSpec(
        CLAIM,
        asset=key(dataset, asset),
        description="No two votes on an item name classes that exclude each other.",
    )


def ontology_report(run: Run, evidence: Evidence) -> OntologyReport:
    """The report over the votes of a run."""
    ontology = run.dataset.ontology
    last = last_release(run.store)
    labels = LABELS.empty() if last is None else run.table(LABELS, at=last[1])
    loss = mapping_loss(ontology.carries, evidence.given, labels)
    taxonomy = ontology.taxonomy
    # Two regions of an item may well be of classes that exclude each other.
    apart = taxonomy.is_flat or run.dataset.has_regions
    return OntologyReport(
        None if apart else contradictions(taxonomy, evidence.counting),
        None if loss.flows.is_empty() or run.dataset.has_regions else loss,
    )
