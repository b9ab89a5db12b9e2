"""The aggregators by the name that a recipe gives them."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from quality.consensus.aggregator import Aggregator
from quality.consensus.bayesian_dawid_skene import BayesianDawidSkene
from quality.consensus.crowdlab import CrowdLab
from quality.consensus.dawid_skene import DawidSkene
from quality.consensus.errors import ParameterError
from quality.consensus.fast_dawid_skene import FastDawidSkene
from quality.consensus.glad import Glad
from quality.consensus.label_model import LabelModel
from quality.consensus.mace import Mace
from quality.consensus.majority import MajorityVote
from quality.consensus.one_coin import OneCoin
from quality.consensus.two_coin import TwoCoin
from quality.consensus.wawa import Wawa

AGGREGATORS: Mapping[str, type[Aggregator]] = MappingProxyType(
    {
        method.name: method
        for method in (
            MajorityVote,
            Wawa,
            OneCoin,
            TwoCoin,
            DawidSkene,
            FastDawidSkene,
            BayesianDawidSkene,
            Glad,
            Mace,
            CrowdLab,
            LabelModel,
        )
    }
)


def make(name: str, classes: Sequence[str], **params: str | float) -> Aggregator:
    """The aggregator of that name.

    Raises:
        ParameterError: no such method, no such parameter, or a value that it cannot take.
    """
    if name not in AGGREGATORS:
        raise ParameterError("aggregator", name, f"one of {sorted(AGGREGATORS)}")
    try:
        return AGGREGATORS[name](classes, **params)
    except TypeError as error:
        raise ParameterError(name, params, f"parameters that {name} has ({error})") from error
