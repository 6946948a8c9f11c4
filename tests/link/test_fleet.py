"""A thousand stations that lose their CSMS in the same second: they come back spread out, as Part 4, 5.3 says."""

from __future__ import annotations

from collections import Counter
from heapq import heapify, heappop, heappush
from math import sqrt
from random import Random
from typing import NamedTuple

import pytest

from agent.link.connection import Connect
from agent.link.csms import CsmsLink
from agent.link.outbox import Outbox

STATIONS = 1000
HANDSHAKE_S = 0.2
LOST_WITHIN_S = 1.0


class Rule(NamedTuple):
    """RetryBackOffWaitMinimum, RetryBackOffRandomRange, RetryBackOffRepeatTimes."""

    minimum_s: float
    random_s: float
    doublings: int

    def least_s(self, failures: int) -> float:
        return self.minimum_s * 2 ** min(failures, self.doublings)

    def longest_s(self) -> float:
        return self.least_s(self.doublings) + self.random_s


AS_DELIVERED = Rule(5, 10, 5)
RULES = [AS_DELIVERED, Rule(30, 120, 2), Rule(60, 60, 0)]
OUTAGES_S = [0.0, 30.0, 600.0, 10_800.0]


class Station:
    """One link; ``attempts`` has when it tried, ``back_at`` when it stood again."""

    def __init__(self, number: int, rule: Rule) -> None:
        chance = Random(number)
        self.link = CsmsLink(Outbox(), chance)
        self.link.reconnect.minimum_s, self.link.reconnect.random_s, self.link.reconnect.doublings = rule
        self.link.power_on(0.0)
        self.link.receive_opened("ocpp2.0.1", 0.0)
        self.link.take_commands()
        self.lost_at = chance.uniform(0.0, LOST_WITHIN_S)
        self.failed_at = [self.lost_at]
        self.attempts: list[float] = []
        self.back_at = float("inf")

    def lose(self, at: float) -> float:
        """The connection is gone; returns when it tries again."""
        self.link.receive_closed("gone", at)
        return self._next(at)

    def attempt(self, at: float, *, up: bool) -> float | None:
        """Its time has come; returns when it tries again, None when it stands."""
        self.link.expire(at)
        assert self.link.take_commands() == [Connect()]
        self.attempts.append(at)
        if not up:
            self.failed_at.append(at)
            return self.lose(at)
        self.link.receive_opened("ocpp2.0.1", at + HANDSHAKE_S)
        self.back_at = at + HANDSHAKE_S
        return None

    def waits_s(self) -> list[float]:
        """How long it waited before each attempt."""
        return [later - earlier for earlier, later in zip(self.failed_at, self.attempts, strict=False)]

    def _next(self, at: float) -> float:
        due = self.link.next_deadline(at)
        assert due is not None
        return due


def outage(up_at: float, rule: Rule) -> list[Station]:
    """Everybody loses the CSMS within a second; it takes connections again from ``up_at``."""
    fleet = [Station(number, rule) for number in range(STATIONS)]
    queue = [(station.lose(station.lost_at), number) for number, station in enumerate(fleet)]
    heapify(queue)
    while queue:
        at, number = heappop(queue)
        again_at = fleet[number].attempt(at, up=at >= up_at)
        if again_at is not None:
            heappush(queue, (again_at, number))
    return fleet


def busiest_second(moments: list[float]) -> int:
    return max(Counter(map(int, moments)).values())


def share(rule: Rule) -> float:
    """How many of the fleet may come in one second: a second's part of the range, and what chance adds to it."""
    expected = STATIONS / rule.random_s
    return expected + 5 * sqrt(expected)


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("up_at", OUTAGES_S)
def test_part_4_5_3_the_fleet_comes_back_spread_out_and_within_the_longest_wait(rule: Rule, up_at: float) -> None:
    fleet = outage(up_at, rule)
    for station in fleet:
        for failures, wait_s in enumerate(station.waits_s()):
            least_s = rule.least_s(failures)
            assert least_s <= wait_s <= least_s + rule.random_s, (failures, wait_s)
    attempts = [at for station in fleet for at in station.attempts]
    back = sorted(station.back_at for station in fleet)
    assert busiest_second(attempts) <= share(rule)
    assert back[-1] <= up_at + rule.longest_s() + LOST_WITHIN_S + HANDSHAKE_S
    print(
        f"\n{rule}, away {up_at:.0f} s: {len(attempts)} attempts, at most {busiest_second(attempts)} in a second;"
        f" half are back {back[STATIONS // 2] - up_at:.0f} s after it is up, all {back[-1] - up_at:.0f} s"
    )


def test_chance_is_spread_evenly_over_the_whole_range() -> None:
    """At every failure, also when the wait grows no more: each tenth of the range gets a tenth of the fleet."""
    fleet = outage(1800.0, AS_DELIVERED)
    for failures in range(8):
        chances = [station.waits_s()[failures] - AS_DELIVERED.least_s(failures) for station in fleet]
        tenths = Counter(int(10 * chance / AS_DELIVERED.random_s) for chance in chances)
        assert set(tenths) == set(range(10))
        expected = STATIONS / 10
        assert max(abs(count - expected) for count in tenths.values()) <= 5 * sqrt(expected)


def test_the_wait_stays_after_the_last_doubling_and_begins_anew_after_a_connection() -> None:
    station = Station(1, AS_DELIVERED)
    at = station.lose(0.0)
    for _ in range(20):
        again_at = station.attempt(at, up=False)
        assert again_at is not None
        at = again_at
    assert all(160 <= wait_s <= 170 for wait_s in station.waits_s()[5:])
    assert station.attempt(at, up=True) is None
    assert 5 <= station.lose(10_000.0) - 10_000.0 <= 15  # erratum 2025-04 to Part 4, 5.3


def test_no_two_stations_draw_the_same_lots() -> None:
    fleet = outage(60.0, AS_DELIVERED)
    assert len({tuple(station.waits_s()) for station in fleet}) == STATIONS
