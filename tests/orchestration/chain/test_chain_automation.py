"""Retraining is asked for by new content that passed its gate, and by nothing else."""

import dagster as dg
import pytest

from assets.runs import key
from orchestration.location import definitions
from orchestration.resources import dagster_instance
from orchestration.runner import RunFailed


class Automation:
    """Dagster's automation over the project, tick by tick."""

    def __init__(self, irises):
        self.irises, self.cursor = irises, None
        self.instance = dagster_instance(irises.project)

    def tick(self):
        """Names of the assets that this tick asks for."""
        result = dg.evaluate_automation_conditions(
            definitions(self.irises.project), self.instance, cursor=self.cursor
        )
        self.cursor = result.cursor
        names = ("training_set", "linear_candidate", "linear_champion")
        return [n for n in names if result.get_num_requested(key(self.irises.dataset, n))]


@pytest.fixture
def automation(irises):
    made = Automation(irises)
    made.tick()
    return made


def test_a_release_with_new_content_asks_for_a_training_set_once(irises, automation):
    irises.vote("zoe", irises.sure_setosa(), "virginica")
    irises.run("import_reviews")
    irises.run("snapshot")
    assert automation.tick() == ["training_set"]
    assert automation.tick() == []


def test_a_snapshot_of_nothing_new_asks_for_nothing(irises, automation):
    irises.run("snapshot")
    assert automation.tick() == []


def test_a_refused_snapshot_asks_for_nothing(irises, automation):
    impossible = (
        "gate: {labels: [{type: expect_table_row_count_to_be_between, kwargs: {max_value: 1}}]}"
    )
    with irises.dataset_path.open("a", encoding="utf-8") as file:
        file.write(f"{impossible}\n")
    irises.vote("zoe", irises.sure_setosa(), "virginica")
    irises.run("import_reviews")
    with pytest.raises(RunFailed):
        irises.run("snapshot")
    assert automation.tick() == []
