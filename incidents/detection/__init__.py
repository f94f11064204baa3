"""Detection: what checks find, and what it means for the customers."""
