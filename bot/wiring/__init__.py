"""Wiring: the parts of the running bot, put together from the configuration."""
