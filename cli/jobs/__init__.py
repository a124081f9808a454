"""`genmedia jobs` and `genmedia ledger`."""
