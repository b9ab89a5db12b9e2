"""Which items say the same thing? Near-duplicates of texts, images and embeddings, verified."""
