"""What a driver and a CSMS see of a card that is shown: who was asked about, who was refused, whether it charges."""

from __future__ import annotations

from typing import Any

from agent.vocabulary.facts import TokenRefused
from tests.bench import CARD, Bench, Payload


def authorizes(bench: Bench) -> list[Payload]:
    """The AuthorizeRequests that the CSMS got."""
    return [said.payload for said in bench.sent if said.action == "Authorize"]


def asked_about(bench: Bench) -> list[Any]:
    """The identifiers in them."""
    return [asked["idToken"]["idToken"] for asked in authorizes(bench)]


def refusals(bench: Bench) -> list[str]:
    """Why cards were refused."""
    return [fact.reason for fact in bench.facts if isinstance(fact, TokenRefused)]


def charges(bench: Bench, card: str = CARD) -> bool:
    """Whether a vehicle that comes now gets energy with this card."""
    bench.plug_in()
    bench.swipe(card)
    return bench.intents[1].permit_power
