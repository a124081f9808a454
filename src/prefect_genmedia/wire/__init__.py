"""HTTP: what goes out, what comes back, and what must never be written down."""
