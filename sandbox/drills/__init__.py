"""Drills: a section's fault is injected and its runbook worked through, as a responder would.

The driver sees only Slack's and the shop's HTTP: no import of the product, nor of the sandbox's own
insides (an import contract says so). What it cannot see there, it does not know.
"""
