"""Errors of the agent, and whose fault they are.

AgentError
 +-- StartFailed            the station cannot be put together: board file, drivers, data directory (exit status 2)
 +-- BenchRefused           a technician or a test asked for what this board or station cannot do

What a CSMS does wrong is ``agent.ocpp.errors.Refused``; what hardware does wrong is ``hal.errors``.
"""


class AgentError(Exception):
    """Base of every error this agent raises."""


class StartFailed(AgentError):
    """The station cannot be put together; the text names the place and the choices."""


class BenchRefused(AgentError):
    """A command of the control socket that cannot be done; the text is the answer's ``error``."""
