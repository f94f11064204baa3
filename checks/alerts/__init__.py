"""Alerts of other systems: how a door's mapping reads them."""
