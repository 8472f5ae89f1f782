"""What gives the class away without looking at the picture: one file for each family of checks."""
