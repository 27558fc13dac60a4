"""Findings of the audit, one file for each family; each function yields findings."""
