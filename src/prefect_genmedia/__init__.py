"""Paid jobs of slow media APIs, bought once."""
