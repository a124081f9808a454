"""Novita AI, and servers that speak its v3 API."""
