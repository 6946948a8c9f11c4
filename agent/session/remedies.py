"""What a part that is lost, a fault or a limit means to whoever stands before the station, and what to do about it.

Words only; does not know what is true now.
"""

from __future__ import annotations

from hal.events import FaultCode

PARTS = {
    "pilot": ("The pilot controller does not answer: nothing is known of the cable and the contactor.", "controller"),
    "meter": ("The meter does not answer, and no energy is given that is not measured.", "meter"),
    "lock": ("The lock of the plug does not answer.", "lock"),
    "supply": ("No power module answers.", "power modules"),
    "insulation": ("The insulation monitor does not answer, and no vehicle is connected without one.", "monitor"),
    "rcd": ("The residual current monitor does not answer.", "monitor"),
    "safety": ("Nobody hears the emergency stop, or another switch that watches over the station.", "switch"),
}
"""Parts without which no power is given."""

FAULTS: dict[FaultCode, tuple[str, str]] = {
    "ConnectorLockFailure": (
        "The lock does not hold the plug.",
        "Pull the plug and push it in again, all the way; if it stays, look at the lock for dirt, ice and wear.",
    ),
    "DoorOpen": ("The door of the station is open.", "Close it; if it is closed, look at its switch."),
    "EmergencyStop": ("The emergency stop is pressed.", "Find out why; when nothing is in danger, release it."),
    "GroundFailure": (
        "A residual current was seen, or the earth is not good.",
        "Unplug, and try another vehicle and cable; if it comes back, the installation has to be measured.",
    ),
    "HighTemperature": (
        "It is too hot inside.",
        "Let it cool; look at the fans, and with the power off at the terminals: a loose one gets hot.",
    ),
    "InternalError": (
        "A controller reports an internal error.",
        "Take the power away for ten seconds; if it comes back, replace the controller.",
    ),
    "OtherError": ("A part reports a fault that has no name here.", "See `events` and `watch log` for what it says."),
    "OverCurrentFailure": (
        "More current flowed than was offered.",
        "Unplug, and try another vehicle; if it comes back, look at the meter's current transformers.",
    ),
    "OverVoltage": ("The mains voltage is too high.", "Measure it at the supply; a lost neutral shows like this."),
    "PilotFailure": (
        "The control pilot makes no sense: a short circuit, a bad plug, or a vehicle that is broken.",
        "Try another cable and another vehicle; if it stays, look at the pilot's wire from the socket to the board.",
    ),
    "PowerMeterFailure": ("The meter reports a fault.", "Look at the meter's display, its supply and its bus."),
    "PowerSwitchFailure": (
        "The contactor did not switch as it was told.",
        "Look at the contactor's coil, its supply and the wire of its feedback.",
    ),
    "TiltDetected": (
        "The station leans: it may have been hit.",
        "Switch the supply off, and look at the foundation and the cable entry before it goes on.",
    ),
    "UnderVoltage": ("The mains voltage is too low, or a phase is missing.", "Look at the fuses, and measure."),
    "VentilationRequired": (
        "The vehicle asks for a ventilated room.",
        "This vehicle cannot be charged here; modern ones do not ask.",
    ),
    "WaterDetected": (
        "There is water inside.",
        "Switch the supply off; dry it, and find where it came in.",
    ),
    "WeldedContactor": (
        "The contactor does not open any more: its contacts are welded.",
        "Switch the supply off, keep the cable out, and replace the contactor.",
    ),
}
"""Every fault that takes the power away: what it means, and what to do."""

WHO = {
    "board": ("the wiring (board file)", "Look at `limit_a` in the board file."),
    "cable": ("the cable", "Try a cable for a larger current."),
    "temperature": ("heat", "Let it cool; look at the fans and the terminals."),
    "local": ("a limit set at this station", "Lift it: station-agent do limit evse={evse}"),
    "site": ("the building's load management", "Wait, or ask whoever looks after the building."),
    "csms": ("a charging profile of the CSMS", "Wait, or ask the operator."),
}
"""Who limits, and what to do about it."""

WITH_ITS_ISSUER = "The driver has to ask who issued it, or use another one."

REFUSALS = {
    "no free EVSE": "End the session that runs here first; a cable that is locked in belongs to another driver.",
    "Offline": "The CSMS cannot be reached, and this station does not know the card: look at the network (`status`).",
    "Timeout": "The CSMS does not answer: ask its operator, and show the card again.",
    "NotAccepted": "The CSMS has not accepted this station: ask its operator.",
    "TooManyAttempts": "Too many wrong codes were entered: wait some minutes.",
    "MasterPass": "This card only ends sessions: use another one.",
    "Unsayable": "OCPP cannot carry this identifier: use another one.",
    "PnCDisabled": "Contracts are not taken here: show a card.",
    "CertChainError": "The vehicle's contract certificate is not valid: show a card.",
    "NoCertificateAvailable": "Nobody here can check the vehicle's contract certificate: show a card.",
}
"""Why an identifier gave no right here, where that is not up to who issued it."""
