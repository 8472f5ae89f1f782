"""Doctests of the pages: pytest --doctest-glob="*.rst" docs."""

import os

# What a build has written is no source; importing a gallery script would run it.
collect_ignore = ["_build", "api", "auto_examples"]

os.environ.setdefault("HF_HUB_OFFLINE", "1")
