"""Errors of the agent, and whose fault they are.

AgentError
 +-- StartFailed            the station cannot be put together: board file, drivers, data directory (exit status 2)
 +-- BenchRefused           a technician or a test asked for what this board or station cannot do

What a CSMS does wrong is ``agent.ocpp.errors.Refused``; what hardware does wrong is ``hal.errors``.
"""

from traceback import extract_tb


class AgentError(Exception):
    """Base of every error this agent raises."""


class StartFailed(AgentError):
    """The station cannot be put together; the text names the place and the choices."""


class BenchRefused(AgentError):
    """A command of the control socket that cannot be done; the text is the answer's ``error``."""


def told_of(error: Exception) -> str:
    """An error that nobody expected, with its place, in one line."""
    place = extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({place.filename}:{place.lineno})"
