"""What the audit looks for, one file a family; each function yields findings."""
