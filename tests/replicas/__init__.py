"""Several bots over one PostgreSQL: killed, frozen, restarted, at the same moment."""
