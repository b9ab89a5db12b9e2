"""How a run that did not go well is told."""

import dagster as dg
import pytest

from orchestration.runner import RunFailed, Runner


def run_of(error: BaseException) -> None:
    @dg.asset
    def doomed() -> None:
        raise error

    definitions = dg.Definitions([doomed], jobs=[dg.define_asset_job("job")])
    with dg.DagsterInstance.ephemeral() as instance:
        Runner(definitions, instance).run("job")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), dg.DagsterExecutionInterruptedError()])
def test_an_interrupted_run_is_an_interrupt_and_no_failure(error: BaseException) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_of(error)


def test_a_failed_run_names_the_step_and_why() -> None:
    with pytest.raises(RunFailed, match=r"doomed: .*out of reach"):
        run_of(ValueError("out of reach"))
