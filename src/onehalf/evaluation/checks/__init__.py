"""What else can be told of two samples: writing, copying, power, coverage, use."""
