"""Ontologies: a taxonomy's closures and exclusions, its terms in texts, and its versions."""
