"""Raw tags to tags, and the ledger."""
