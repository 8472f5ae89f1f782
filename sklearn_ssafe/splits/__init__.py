"""How pictures are divided so that nothing leaks, and what was found on the part held out."""
