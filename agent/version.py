"""The version of the agent, one number for the package, BootNotification and the image."""

VERSION = "0.1.0"
