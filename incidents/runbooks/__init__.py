"""Runbooks: steps, forms, guards, and how a step ends."""
