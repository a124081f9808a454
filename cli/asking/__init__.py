"""Commands that ask the ledger, the store or a file."""
