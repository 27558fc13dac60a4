"""Tables: read, profiled, encoded as numbers, and prepared for the players."""
