"""Recipes with a name."""
