"""Life of an incident: opened, owned, mitigated, closed, and the commands in between."""
