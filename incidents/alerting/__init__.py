"""Alerting: who is rung, when, and what could not be delivered."""
