"""What stands in the ledger already: looked at, told, counted, put right. Nothing here buys."""
