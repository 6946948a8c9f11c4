"""How things stand: for every id one of four states, from what is claimed, what passed and what does not apply."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from tests.conformance.catalogue import Catalogue, block_of
from tests.conformance.claims import Claim


class State(StrEnum):
    """A claim of which one test did not pass is no proof."""

    PASSING = "passing"
    FAILING = "failing"
    NONE = "none"
    NOT_APPLICABLE = "does not apply"


@dataclass(frozen=True)
class Standing:
    """The states of requirements and cases, in the order of the specification."""

    requirements: dict[str, State]
    cases: dict[str, State]
    reasons: dict[str, str]

    def missing(self, blocks: Collection[str]) -> list[str]:
        """Requirements on the station in these blocks that nothing proves and no reason excuses."""
        wanting = (State.NONE, State.FAILING)
        return [name for name, state in self.requirements.items() if state in wanting and block_of(name) in blocks]


def standing(catalogue: Catalogue, claims: Iterable[Claim], not_passed: Collection[Claim]) -> Standing:
    proofs: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        proofs[claim.name].append(claim)

    def state(name: str) -> State:
        if found := proofs.get(name):
            return State.FAILING if any(claim in not_passed for claim in found) else State.PASSING
        return State.NONE if catalogue.reason(name) is None else State.NOT_APPLICABLE

    requirements = {name: state(name) for name in catalogue.requirements}
    cases = {name: state(name) for name in catalogue.cases}
    excused = (name for name, each in (requirements | cases).items() if each is State.NOT_APPLICABLE)
    return Standing(requirements, cases, {name: catalogue.reason(name) or "" for name in excused})
