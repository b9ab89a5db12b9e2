"""The dataset file: all that a dataset is, in one YAML, validated whole."""
