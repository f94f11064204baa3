"""Inspection of a shop that nobody knows yet: its tables, their columns, and what they must be."""
