"""Checks beside the certificate: formats, memorization, sensitivity, coverage and utility."""
