"""From measured columns to a verdict: correction, minimum effect, and the words for it."""

from dataclasses import replace
from typing import Literal

import numpy as np

from quality.drift.columns import FeatureDrift
from quality.drift.correction import correct
from quality.drift.policy import DriftPolicy, Question

Verdict = Literal["none", "watch", "drift", "too_few"]

SHOWN_REASONS = 20


def judge(
    rows: list[FeatureDrift],
    policy: DriftPolicy,
    *,
    question: Question,
    questions: int,
    sizes: tuple[int, int],
) -> list[FeatureDrift]:
    """Corrects the p-values of one question's rows and decides which of them drifted.

    Args:
        rows: As measured.
        policy: When a difference is drift.
        question: What the rows answer.
        questions: How many questions share alpha.
        sizes: Rows of the reference and of the current sample.
    """
    tested = [row for row in rows if row.p_value is not None]
    adjusted = correct([row.p_value for row in tested], policy.correction)
    corrected = np.minimum(adjusted * questions, 1.0)
    by_name = {row.name: float(p) for row, p in zip(tested, corrected, strict=True)}
    return [
        _judge_row(
            replace(
                row,
                corrected_p=by_name.get(row.name),
                threshold=policy.threshold_for(question, row.name, *sizes),
            ),
            policy,
        )
        for row in rows
    ]


def conclude(rows: list[FeatureDrift], policy: DriftPolicy) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict over all questions, and why, the largest effect first."""
    ranked = sorted(rows, key=lambda row: -(row.effect or 0.0))
    drifted = [row for row in ranked if row.drifted]
    watched = [row for row in ranked if row.watched]
    if drifted:
        return "drift", _listed([*drifted, *watched], policy)
    if watched:
        return "watch", _listed(watched, policy)
    if not any(row.p_value is not None for row in rows):
        return "too_few", ("nothing could be compared: see the reason of each column",)
    compared = sum(row.p_value is not None for row in rows)
    usual = "accepted batches do" if policy.thresholds else "chance"
    words = f"{compared} compared, none differs by more than {usual} and by more than a share of"
    return "none", (f"{words} {policy.watch_effect:g}",)


def _judge_row(row: FeatureDrift, policy: DriftPolicy) -> FeatureDrift:
    if row.drifted:
        return row
    effect, chance = row.effect or 0.0, 1.0 if row.corrected_p is None else row.corrected_p
    certain = chance <= policy.alpha if row.threshold is None else effect > row.threshold
    drifted = certain and effect >= policy.min_effect
    watched = certain and not drifted and effect >= policy.watch_effect
    return replace(row, drifted=drifted, watched=watched)


def _listed(rows: list[FeatureDrift], policy: DriftPolicy) -> tuple[str, ...]:
    shown = [_words(row, policy) for row in rows[:SHOWN_REASONS]]
    more = len(rows) - SHOWN_REASONS
    return (*shown, f"and {more} more") if more > 0 else tuple(shown)


def _words(row: FeatureDrift, policy: DriftPolicy) -> str:
    if row.effect is None:
        return f"{row.name}: {row.reason}"
    size = "" if row.drifted else f", below the bar of {policy.min_effect:.0%}"
    note = "" if row.reason is None else f"; {row.reason}"
    return f"{row.name}: {_what_moved(row)}{size}{_decided_by(row)}{note}"


def _decided_by(row: FeatureDrift) -> str:
    if row.threshold is not None:
        return f" (accepted batches seldom move by more than {row.threshold:.1%})"
    return "" if row.corrected_p is None else f" (corrected p {row.corrected_p:.2g})"


def _what_moved(row: FeatureDrift) -> str:
    share = f"{row.effect or 0.0:.0%}"
    if row.kind == "embedding":
        return f"at least {share} of the embeddings lie elsewhere"
    before, now = row.missing_reference or 0.0, row.missing_current or 0.0
    if row.effect == abs(now - before):
        return f"missing values went from {before:.0%} to {now:.0%}"
    return f"{share} of its values moved"
