"""Outliers: items unlike all others, by how far their nearest neighbours are."""
