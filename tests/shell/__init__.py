"""The field debug shell: its server, its commands, its client."""
