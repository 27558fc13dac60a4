"""Arrays of numbers: checked, and scaled for training."""
