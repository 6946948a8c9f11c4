"""Errors of the hardware layer.

HalError
 +-- BusLost            the wire is gone or cannot be opened; comes back by itself
 +-- NoAnswer           the wire is there, the part is silent
 +-- PartRefused        the part answered, and said no
 +-- BadOptions         the board file asks for what the driver does not have
 +-- UnknownDriver      no driver, bus or port of this name
"""


class HalError(Exception):
    """Base of every error of the hardware layer."""


class BusLost(HalError):
    """The wire is gone or cannot be opened; the reason names the device."""


class NoAnswer(HalError):
    """A part did not answer in time."""


class PartRefused(HalError):
    """A part answered, and said no."""


class BadOptions(HalError):
    """Options in the board file that the driver does not have, or out of range; the text names the place."""


class UnknownDriver(HalError):
    """No driver or bus of this name; the text lists the known ones."""
