"""Where two samples differ, in words that a person can check."""
