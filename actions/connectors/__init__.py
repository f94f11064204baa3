"""Connectors: how the shop is spoken to; HTTP with JSON is one of them."""
