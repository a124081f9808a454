"""Whose turn it is at the provider."""
