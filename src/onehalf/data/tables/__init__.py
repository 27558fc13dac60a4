"""Tables: read, profiled, encoded as numbers, and prepared for training."""
