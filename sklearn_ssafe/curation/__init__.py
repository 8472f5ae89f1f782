"""Choosing a small training set by looking at embeddings: computing on arrays alone."""
