"""Balance of the classes: a check beside the consensus, and a threshold of the gate."""

import dagster as dg
import polars as pl

from assets.dataset_file.models import Dataset
from assets.evidence import ACCEPTED
from assets.runs import key
from assets.thresholds import Threshold, at_least
from quality.balance.measures import Balance, balance

CHECK = "classes_are_balanced"


def class_balance(dataset: Dataset, labels: pl.DataFrame) -> Balance | None:
    """The balance of the accepted labels over the ontology's classes; None without any."""
    accepted = labels.filter(pl.col("state").is_in(ACCEPTED))
    found = dict(accepted["label"].drop_nulls().value_counts().iter_rows())
    return balance({name: int(found.get(name, 0)) for name in dataset.classes})


def balance_threshold(dataset: Dataset, labels: pl.DataFrame) -> Threshold:
    """Whether every class has the share of the accepted labels that min_class_share asks for."""
    found = class_balance(dataset, labels)
    return at_least(
        "every class has at least min_class_share of the accepted labels",
        dataset.gate.min_class_share,
        None if found is None else found.rarest_share,
        "no label is accepted",
    )


def balance_spec(dataset: Dataset) -> dg.AssetCheckSpec:
    """The check that `balance_check` answers."""
    return dg.AssetCheckSpec(
        CHECK,
        asset=key(dataset, "consensus"),
        description="Every class has accepted labels, at least gate.min_class_share of them all.",
    )


def balance_check(dataset: Dataset, labels: pl.DataFrame) -> dg.AssetCheckResult:
    """A warning where a class has no accepted label, or too few."""
    found = class_balance(dataset, labels)
    if found is None:
        told: dict[str, float | str] = {"labels": "none is accepted"}
    else:
        told = {
            "imbalance": round(found.imbalance, 2),
            "rarest_share": round(found.rarest_share, 4),
            "effective_classes": round(found.effective_classes, 2),
            "without_labels": ", ".join(found.missing) or "none",
        }
    asked = balance_threshold(dataset, labels)
    return dg.AssetCheckResult(
        check_name=CHECK,
        passed=found is None or (not found.missing and asked.holds),
        severity=dg.AssetCheckSeverity.WARN,
        metadata=told,
    )
