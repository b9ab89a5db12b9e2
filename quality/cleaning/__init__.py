"""Cleaning: what is mended in an item before it is one, and what was mended."""
