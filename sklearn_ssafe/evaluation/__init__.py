"""Honest figures: what is held out, and how it is reported."""
