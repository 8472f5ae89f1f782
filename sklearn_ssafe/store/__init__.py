"""Embeddings, kept: each picture is encoded once."""
