"""What in a picture made its score."""
