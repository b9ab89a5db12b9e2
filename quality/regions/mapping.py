"""What sets of regions of older versions of an ontology are now."""

import polars as pl

from quality.ontology.mapping import ClassMapping
from quality.regions.region import Region, from_text, label_of, to_text

NO_REGIONS = "a class, not a set of regions"


class RegionMapping(ClassMapping):
    """A mapping of classes, applied to each region of a vote."""

    def carried(self, votes: pl.DataFrame) -> pl.DataFrame:
        """The votes with the `label` and `region` that they amount to now.

        A set counts only as a whole: one region of a class that is none any more sets it aside.

        Args:
            votes: label (null abstains), region, ontology_version, and any other columns. Frames
                without a column region, such as labels, are given back as they are.

        Returns:
            The rows in their order with `given_label`, as it was cast, and `reason`: why a
            vote counts for nothing, null where it counts.
        """
        if "region" not in votes.columns:
            nothing = pl.lit(None, pl.String).alias("reason")
            return votes.with_columns(nothing, given_label="label")
        keys = ["ontology_version", "label", "region"]
        said = votes.select(keys).unique().drop_nulls("label").rows()
        rows = [(*row, *self._set_now(*row)) for row in said]
        schema = dict.fromkeys([*keys, "now", "region_now", "reason"], pl.String)
        lookup = pl.DataFrame(rows, schema=schema, orient="row")
        return (
            votes.join(lookup, on=keys, how="left", nulls_equal=True, maintain_order="left")
            .with_columns(given_label="label", label="now", region="region_now")
            .drop("now", "region_now")
        )

    def _set_now(
        self, version: str, label: str, region: str | None
    ) -> tuple[str, str | None, str | None]:
        """Label, region and reason of one set."""
        if region is None:
            return label, None, NO_REGIONS
        drawn = from_text(region)
        reasons = [self.why_aside(version, each.label) for each in drawn]
        reason = next((reason for reason in reasons if reason is not None), None)
        if reason is not None:
            return label, region, reason
        now = [
            Region(name, each.geometry, each.score)
            for each in drawn
            for name in self.now(version, each.label) or ()
        ]
        return label_of(now), to_text(now), None
