"""Synthetic items: made of labeled ones so that the label stays what it was, and marked as such."""
