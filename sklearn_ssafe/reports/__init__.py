"""Figures and tables that show what was found."""
