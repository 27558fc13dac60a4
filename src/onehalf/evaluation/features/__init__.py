"""What critics see of a row."""
