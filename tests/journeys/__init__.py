"""Journeys through the front door: the real bot, the sandbox Slack and the shop as processes."""
