"""`genmedia live-check`: what nobody could verify, asked of the real provider, for as little money as it takes."""
