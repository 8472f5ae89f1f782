"""A detector as a folder: what is in it, how it gets there whole, and how it is checked."""
