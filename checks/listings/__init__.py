"""Listings: what stands in no database, fetched over HTTP or read from a file, as tables."""
