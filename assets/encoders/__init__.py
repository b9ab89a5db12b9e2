"""Pretrained encoders: found, checked, opened; embeddings made once and kept."""
