"""Block Kit: the schema table and the checks of messages and views."""
