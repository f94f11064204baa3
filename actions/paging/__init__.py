"""Paging: who is woken outside Slack, one module a provider."""
