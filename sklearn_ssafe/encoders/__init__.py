"""Frozen encoders: from one RGB array to one row of named features."""
