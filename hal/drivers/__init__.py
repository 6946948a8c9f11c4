"""One device a file: wire and bus become ports and events."""
