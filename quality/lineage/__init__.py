"""Lineage: what each label rests on, what changed it and when, and how to trace it back."""
