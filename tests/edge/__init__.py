"""The edges: connection, database, clock."""
