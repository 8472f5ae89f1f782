"""What happens to pictures on their way to a detector: compressed, resized, blurred, shared."""
