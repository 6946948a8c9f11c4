"""The control socket: its server and its commands, and the clients for people who look into a running agent."""
