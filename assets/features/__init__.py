"""What models and the drift monitor see of an item, the same for the same content for ever."""

from assets.features.description import describe
from assets.features.featurize import features_version, featurize
from assets.features.matrix import FeatureMatrix
from assets.features.workspace import Workspace

__all__ = ["FeatureMatrix", "Workspace", "describe", "features_version", "featurize"]
