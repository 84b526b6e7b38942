"""What a setting may be."""
