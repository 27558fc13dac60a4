"""Rules that the rows of a table keep: parse them, find them, and hold samples to them."""
