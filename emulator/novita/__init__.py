"""Novita AI."""
