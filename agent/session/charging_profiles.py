"""The charging profiles that are installed: whose they are, which go together, which are meant.  Reckons no limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from agent.session.schedule import Profile, Purpose

MAX_PROFILE: Purpose = "ChargingStationMaxProfile"
TX_DEFAULT: Purpose = "TxDefaultProfile"
TX_PROFILE: Purpose = "TxProfile"
EXTERNAL: Purpose = "ChargingStationExternalConstraints"


class KeptProfile(msgspec.Struct, frozen=True):
    """A charging profile on disk: where it is installed, and the ChargingProfile as the CSMS wrote it."""

    evse: int
    message: msgspec.Raw


class Installed(msgspec.Struct, frozen=True):
    """A charging profile at an EVSE, or (0) at the station; ``message`` is the JSON that it was set with."""

    evse: int
    message: bytes
    profile: Profile

    @property
    def record(self) -> bytes:
        """It on disk."""
        return msgspec.json.encode(KeptProfile(self.evse, msgspec.Raw(self.message)))


def installed(evse: int, message: bytes) -> Installed:
    """A profile as it came in a message.

    Raises:
        msgspec.ValidationError: it is none that this release knows.

    """
    return Installed(evse, message, msgspec.json.decode(message, type=Profile))


class Wanted(msgspec.Struct, frozen=True):
    """Which profiles are meant: these ids, or whichever fit in all that is named; nothing named: all of them."""

    ids: tuple[int, ...] = ()
    evse: int | None = None
    purpose: str | None = None
    stack_level: int | None = None

    def fits(self, each: Installed) -> bool:
        """Whether this one is meant."""
        profile = each.profile
        return (
            (not self.ids or profile.id in self.ids)
            and self.evse in (None, each.evse)
            and self.purpose in (None, profile.purpose)
            and self.stack_level in (None, profile.stack_level)
        )


class ChargingProfiles:
    """Every profile of the CSMS by its id.  ``version`` is another one whenever there are others."""

    def __init__(self) -> None:
        self._by_id: dict[int, Installed] = {}
        self.version = 0

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Installed]:
        """In the order of EVSEs, the station's own first."""
        return iter(sorted(self._by_id.values(), key=lambda each: (each.evse, each.profile.id)))

    def __contains__(self, id: int) -> bool:
        return id in self._by_id

    def put(self, each: Installed) -> None:
        """Install it, in the place of the one with its id (K01.FR.05)."""
        self._by_id[each.profile.id] = each
        self.version += 1

    def drop(self, wanted: Wanted) -> list[Installed]:
        """These are installed no more."""
        dropped = [each for each in self if wanted.fits(each)]
        for each in dropped:
            del self._by_id[each.profile.id]
        self.version += bool(dropped)
        return dropped

    def rival(self, each: Installed) -> Profile | None:
        """What would be valid beside it on the same stack level (K01.FR.06, K01.FR.39, K01.FR.52, K01.FR.53)."""
        return next((other.profile for other in self if _rivals(each, other)), None)

    def of_station(self) -> list[Profile]:
        """What limits all EVSEs together, highest stack level first."""
        return self._stacked(lambda each: each.profile.purpose == MAX_PROFILE)

    def of_evse(self, evse: int, transaction_id: str | None) -> list[Profile]:
        """What limits this EVSE alone: profiles of its transaction, then the default ones (K01.FR.14, K02.FR.04)."""
        own = self._stacked(
            lambda each: each.profile.purpose == TX_PROFILE and each.profile.transaction_id == transaction_id
        )
        return own + self._stacked(lambda each: each.profile.purpose == TX_DEFAULT and each.evse in (0, evse))

    def _stacked(self, counts: Callable[[Installed], bool]) -> list[Profile]:
        profiles = (each.profile for each in self._by_id.values() if counts(each))
        return sorted(profiles, key=lambda profile: -profile.stack_level)


def _rivals(one: Installed, other: Installed) -> bool:
    """Default profiles of the station and of an EVSE never share a stack level; others may, at different times."""
    mine, its = one.profile, other.profile
    if mine.id == its.id or (mine.purpose, mine.stack_level) != (its.purpose, its.stack_level):
        return False
    if mine.purpose == TX_PROFILE:
        return mine.transaction_id == its.transaction_id
    if mine.purpose == TX_DEFAULT and one.evse != other.evse:
        return 0 in (one.evse, other.evse)
    (from_ms, to_ms), (its_from_ms, its_to_ms) = mine.valid_ms, its.valid_ms
    return one.evse == other.evse and from_ms < its_to_ms and its_from_ms < to_ms
