"""Pictures in: what a user may pass, and how each becomes one RGB array."""
