"""The shop's order data, read through a mapping of its own tables (rule 3: read-only)."""
