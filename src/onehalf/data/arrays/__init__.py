"""Arrays of numbers: checked, and scaled for the players."""
