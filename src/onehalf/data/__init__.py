"""The user's own rows: arrays, images and tables, read, checked, split and encoded."""
