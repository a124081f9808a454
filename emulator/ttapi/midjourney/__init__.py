"""Midjourney through TTAPI."""
