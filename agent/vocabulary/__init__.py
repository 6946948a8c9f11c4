"""The words between the rooms: facts, commands, what came in, and what they carry.  No behaviour."""
