"""Images: folders and IDX files, brought to one size."""
