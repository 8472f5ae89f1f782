"""The areas of ``tools/fuzz.py``: what is opened, and what has to be so."""
