"""Boxes on images and spans in text: what actors drew, matched, agreed upon, compared."""
