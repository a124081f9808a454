"""When to look at a job that is with its provider."""
