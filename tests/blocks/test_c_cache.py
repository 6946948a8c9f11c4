"""The authorization cache: what goes in, how long it stays, who has to make room, and what it is good for (C10-C12)."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from agent.session.cache import AuthorizationCache, Cached
from agent.session.tokens import Entry
from agent.vocabulary.values import Token
from tests.bench import CARD, OTHER_CARD, POWER_ON, TOKEN, Bench, Payload
from tests.blocks.cards import asked_about, charges, refusals
from tests.blocks.test_e_start import bench_with

LOCAL = {"AuthCtrlr.LocalPreAuthorize": True, "SampledDataCtrlr.TxUpdatedInterval": 0}
GROUP = {"idToken": "FAMILY", "type": "Central"}


def stamp(seconds: float) -> str:
    """So long after the power came on, as OCPP writes it."""
    return (POWER_ON + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def says(bench: Bench, status: str = "Accepted", action: str = "Authorize", **info: object) -> None:
    """What the CSMS says of every identifier from now on."""
    told = {"idTokenInfo": {"status": status, **info}}
    if action == "Authorize":
        bench.script[action] = told
    else:
        bench.script[action] = lambda asked: told if "idToken" in asked else {}


def cached(bench: Bench, card: str = CARD, status: str = "Accepted", **info: object) -> None:
    """Bring a card into the cache by presenting it once, and tidy up."""
    says(bench, status, **info)
    says(bench, status, "TransactionEvent", **info)
    bench.plug_in()
    bench.swipe(card)
    bench.unplug()
    bench.pass_time(10)
    bench.script.clear()
    bench.take_sent()
    bench.facts.clear()


def with_cached(card: str = CARD, status: str = "Accepted", variables: Payload = LOCAL, **info: object) -> Bench:
    bench = bench_with(variables=variables)
    cached(bench, card, status, **info)
    return bench


# ---- C12: what it is good for ----


def test_C12_FR_02_C12_FR_04_a_cached_card_starts_without_asking():
    bench = with_cached()
    assert charges(bench)
    assert asked_about(bench) == []
    assert bench.take_events()[0]["idToken"] == TOKEN


def test_C12_card_first():
    bench = with_cached()
    bench.swipe()
    bench.plug_in()
    assert bench.intents[1].permit_power
    assert asked_about(bench) == []


@pytest.mark.parametrize("status", ["Invalid", "Blocked", "Expired"])
def test_C10_FR_03_C12_FR_05_a_refused_one_is_asked_about_again(status: str):
    bench = with_cached(status=status)
    says(bench, status)
    assert not charges(bench)
    assert asked_about(bench) == [CARD]


@pytest.mark.parametrize("status", ["Invalid", "Blocked", "Expired", "Unknown", "NoCredit"])
def test_C12_FR_05_and_charges_when_the_csms_has_changed_its_mind(status: str):
    bench = with_cached(status=status)
    assert charges(bench)
    assert asked_about(bench) == [CARD]


def test_it_is_not_asked_about_again_where_that_is_switched_off():
    bench = with_cached(status="Invalid", variables=LOCAL | {"AuthCacheCtrlr.DisablePostAuthorize": True})
    assert not charges(bench)
    assert asked_about(bench) == []
    assert refusals(bench) == ["Invalid"]


def test_without_LocalPreAuthorize_the_csms_is_asked():
    bench = with_cached(variables=LOCAL | {"AuthCtrlr.LocalPreAuthorize": False})
    says(bench, "Invalid")
    assert not charges(bench)
    assert asked_about(bench) == [CARD]


def test_a_card_is_itself_in_any_capitals():
    bench = with_cached()
    assert charges(bench, CARD.lower())
    assert asked_about(bench) == []


def test_C01_FR_21_a_cached_card_is_good_at_the_evses_it_was_good_at():
    bench = bench_with(evses=2, variables=LOCAL)
    cached(bench, evseId=[1])
    bench.plug_in(evse=2)
    bench.swipe(evse=2)
    assert not bench.intents[2].permit_power
    bench.plug_in(evse=1)
    bench.swipe(evse=1)
    assert bench.intents[1].permit_power
    assert asked_about(bench) == []


def test_DisableRemoteAuthorization_asks_nobody_and_takes_the_cache():
    bench = with_cached()
    bench.set("AuthCtrlr.LocalPreAuthorize", False)
    bench.set("AuthCtrlr.DisableRemoteAuthorization", True)
    assert charges(bench)
    bench.swipe()
    bench.unplug()
    bench.pass_time(10)
    assert not charges(bench, OTHER_CARD)
    assert asked_about(bench) == []
    assert refusals(bench) == ["Unknown"]


# ---- offline ----


@pytest.mark.parametrize("allowed", [False, True])
def test_C12_offline_LocalAuthorizeOffline_says_whether_the_cache_is_enough(allowed: bool):
    bench = with_cached(variables=LOCAL | {"AuthCtrlr.LocalAuthorizeOffline": allowed})
    bench.disconnect()
    assert charges(bench) is allowed
    assert refusals(bench) == ([] if allowed else ["Offline"])


def test_C15_a_card_that_the_csms_refused_is_not_unknown_offline():
    bench = with_cached(status="Blocked", variables=LOCAL | {"AuthCtrlr.OfflineTxForUnknownIdEnabled": True})
    bench.disconnect()
    assert not charges(bench)
    assert refusals(bench) == ["Blocked"]
    bench.swipe(OTHER_CARD)
    assert bench.intents[1].permit_power


def test_C15_FR_01_an_unknown_card_that_charges_offline_is_not_cached_by_that():
    bench = bench_with(variables=LOCAL | {"AuthCtrlr.OfflineTxForUnknownIdEnabled": True})
    bench.disconnect()
    assert charges(bench)
    assert bench.station.desk.cache.bytes == 0


def test_no_answer_in_time_is_as_good_as_offline():
    bench = with_cached(variables=LOCAL | {"AuthCtrlr.LocalPreAuthorize": False})
    bench.script["Authorize"] = None
    assert not charges(bench)
    bench.pass_time(31)
    assert bench.intents[1].permit_power


# ---- C10: what goes in ----


@pytest.mark.parametrize("status", ["Accepted", "Invalid"])
def test_C10_FR_01_C10_FR_04_an_AuthorizeResponse_is_kept_whatever_it_says(status: str):
    bench = bench_with(variables=LOCAL)
    says(bench, status)
    bench.swipe()
    found = bench.station.desk.cache.find(Token(CARD), bench.now.wall, 1000)
    assert found is not None
    assert found.status == status


def test_C10_FR_05_C12_FR_06_a_TransactionEventResponse_is_kept():
    bench = with_cached()
    says(bench, "Invalid", "TransactionEvent")
    bench.plug_in()
    bench.swipe()
    bench.unplug()
    bench.pass_time(10)
    bench.take_sent()
    says(bench, "Invalid")
    assert not charges(bench)
    assert asked_about(bench) == [CARD]


@pytest.mark.parametrize("kind", ["NoAuthorization", "Central"])
def test_C02_FR_03_C03_FR_02_C05_FR_02_of_no_card_nothing_is_kept(kind: str):
    bench = bench_with(variables=LOCAL)
    bench.plug_in()
    token = {"idToken": "" if kind == "NoAuthorization" else "APP", "type": kind}
    bench.ask("RequestStartTransaction", idToken=token, remoteStartId=1, evseId=1)
    assert bench.intents[1].permit_power
    assert bench.get("AuthCacheCtrlr.Storage") == "0"


def test_C10_FR_02_it_outlives_the_power():
    bench = with_cached()
    bench.power_cycle()
    bench.accept()
    bench.take_sent()
    assert charges(bench)
    assert asked_about(bench) == []


def test_a_record_of_the_cache_that_makes_no_sense_is_forgotten():
    bench = with_cached()
    key = next(key for key in bench.records if key.startswith("auth-cache/"))
    bench.records[key] = b'{"entry": 1}'
    bench.power_cycle()
    assert bench.station.unreadable == [key]
    assert key not in bench.records
    bench.accept()
    assert charges(bench)


def test_C10_FR_09_what_is_said_to_the_driver_is_not_kept():
    bench = with_cached(personalMessage={"format": "UTF8", "content": "0.30 per kWh"})
    assert bench.station.desk.cache.bytes > 0
    assert not any(b"per kWh" in value for value in bench.records.values())


def test_C10_FR_12_no_identifier_stands_on_disk():
    bench = with_cached(card="SECRET")
    records = [key.encode() + value for key, value in bench.records.items() if key.startswith("auth-cache/")]
    assert records
    assert all(b"secret" not in record.lower() for record in records)


def test_C10_FR_11_a_cache_that_is_not_in_use_keeps_nothing_and_knows_nobody():
    bench = bench_with(variables=LOCAL | {"AuthCacheCtrlr.Enabled": False})
    cached(bench)
    assert bench.get("AuthCacheCtrlr.Storage") == "0"
    assert charges(bench)
    assert asked_about(bench) == [CARD]


def test_C10_FR_11_switching_it_off_and_on_alters_nothing_in_it():
    bench = with_cached()
    bench.set("AuthCacheCtrlr.Enabled", False)
    bench.set("AuthCacheCtrlr.Enabled", True)
    assert charges(bench)
    assert asked_about(bench) == []


def test_a_board_without_a_cache_has_none():
    bench = bench_with(variables=LOCAL | {"AuthCacheCtrlr.Available": False})
    cached(bench)
    assert charges(bench)
    assert asked_about(bench) == [CARD]


# ---- C10: how long ----


def test_C10_FR_08_C10_FR_10_after_its_life_time_it_is_unknown():
    bench = with_cached(variables=LOCAL | {"AuthCacheCtrlr.LifeTime": 100})
    bench.pass_time(80)
    assert charges(bench)
    assert asked_about(bench) == []
    bench.swipe()
    bench.unplug()
    bench.pass_time(130)
    assert charges(bench)
    assert asked_about(bench) == [CARD]


@pytest.mark.parametrize(("after_s", "asks"), [(100, False), (101, True)])
def test_C10_FR_10_more_than_the_life_time_after_its_last_update_it_is_unknown(after_s: int, asks: bool):
    """Erratum 2.21: not after its last use."""
    bench = bench_with(variables=LOCAL | {"AuthCacheCtrlr.LifeTime": 100})
    assert charges(bench)
    updated_at = bench.mono
    bench.script["TransactionEvent"] = {}  # from now on nothing is said of it
    bench.swipe()
    bench.unplug()
    bench.pass_time(80)
    bench.take_sent()
    assert charges(bench)
    bench.swipe()
    bench.unplug()
    bench.pass_time(after_s - (bench.mono - updated_at))
    assert asked_about(bench) == []
    assert charges(bench)
    assert asked_about(bench) == ([CARD] if asks else [])


def test_C10_FR_13_a_time_of_its_own_counts_instead():
    bench = with_cached(variables=LOCAL | {"AuthCacheCtrlr.LifeTime": 5}, cacheExpiryDateTime=stamp(3600))
    bench.pass_time(3000)
    assert bench.station.desk.cache.find(Token(CARD), bench.now.wall, 5) is not None
    bench.pass_time(1000)
    assert charges(bench)
    assert asked_about(bench) == [CARD]


def test_C10_FR_13_a_time_that_has_passed_takes_it_out():
    bench = with_cached()
    says(bench, "Accepted", "TransactionEvent", cacheExpiryDateTime=stamp(-1))
    assert charges(bench)
    assert bench.get("AuthCacheCtrlr.Storage") == "0"
    assert [key for key in bench.records if key.startswith("auth-cache/")] == []


# ---- C10.FR.07: who has to make room ----

WALL = POWER_ON
LIFE_S = 1000
BAD = Entry(status="Blocked")
GOOD = Entry(status="Accepted")


def room_for(count: int) -> AuthorizationCache:
    """A cache in which so many good entries have room, and no more."""
    measure = AuthorizationCache(1 << 20)
    for number in range(count):
        measure.put(Token(f"{number}"), GOOD, WALL, "FIFO")
    return AuthorizationCache(measure.bytes + 5)


def left(cache: AuthorizationCache, *ids: str) -> list[str]:
    return [id for id in ids if cache.find(Token(id), WALL, LIFE_S) is not None]


@pytest.mark.parametrize(("policy", "stays"), [("FIFO", "bcd"), ("LRU", "acd"), ("LFU", "abd")])
def test_C10_FR_07_the_policy_says_who_goes(policy: str, stays: str):
    cache = room_for(3)
    for id in "abc":
        cache.put(Token(id), GOOD, WALL, policy)
    for id in "abbbaca":  # a and b are used most, c least; then b is the one that was used longest ago
        cache.use(Token(id))
    cache.put(Token("d"), GOOD, WALL, policy)
    assert left(cache, *"abcd") == list(stays)


def test_C10_FR_07_one_that_gives_no_right_goes_first():
    cache = room_for(3)
    for id, entry in (("a", GOOD), ("b", BAD), ("c", GOOD)):
        cache.put(Token(id), entry, WALL, "FIFO")
    cache.put(Token("d"), GOOD, WALL, "FIFO")
    assert left(cache, *"abcd") == list("acd")


@pytest.mark.parametrize("policy", ["LRU", "LFU", "FIFO"])
def test_C10_FR_07_the_newest_always_finds_room_and_the_bound_holds(policy: str):
    most_bytes = 700
    cache = AuthorizationCache(most_bytes)
    held: dict[str, bytes] = {}
    for number in range(200):
        entry = BAD if number % 7 == 0 else Entry(status="Accepted", group=Token("G" * (number % 30), "Central"))
        cache.put(Token(f"card {number}"), entry, WALL, policy)
        for change in cache.take_changes():
            held.pop(change.key, None)
            if change.value is not None:
                held[change.key] = change.value
        assert cache.find(Token(f"card {number}"), WALL, LIFE_S) == entry
        assert sum(len(key) + len(value) for key, value in held.items()) == cache.bytes
        assert cache.bytes <= most_bytes
    assert 1 <= len(cache) <= 5


def test_what_was_remembered_goes_on_in_the_same_order():
    cache = room_for(3)
    for id in "abc":
        cache.put(Token(id), GOOD, WALL, "LRU")
    cache.use(Token("a"))
    kept = {change.key: change.value for change in cache.take_changes() if change.value is not None}
    again = room_for(3)
    again.take_up({key: msgspec.json.decode(value, type=Cached) for key, value in kept.items()})
    assert again.bytes == cache.bytes
    again.put(Token("d"), GOOD, WALL, "LRU")
    assert left(again, *"abcd") == list("acd")


def test_C10_FR_07_a_start_by_the_cache_is_a_use():
    bench = with_cached()
    (key,) = (key for key in bench.records if key.startswith("auth-cache/"))
    before = msgspec.json.decode(bench.records[key], type=Cached)
    assert charges(bench)
    after = msgspec.json.decode(bench.records[key], type=Cached)
    assert (before.uses, after.uses) == (0, 1)
    assert after.last > before.last


@pytest.mark.parametrize("policy", ["LRU", "LFU", "FIFO"])
def test_C10_FR_07_the_policy_can_be_set(policy: str):
    bench = bench_with()
    assert bench.set("AuthCacheCtrlr.Policy", policy) == "Accepted"
    assert bench.set("AuthCacheCtrlr.Policy", "CUSTOM") == "Rejected"


# ---- C11 ----


def test_C11_FR_01_C11_FR_02_C11_FR_03_cleared_it_knows_nobody():
    bench = with_cached()
    assert bench.ask("ClearCache") == {"status": "Accepted"}
    assert bench.get("AuthCacheCtrlr.Storage") == "0"
    assert [key for key in bench.records if key.startswith("auth-cache/")] == []
    assert charges(bench)
    assert asked_about(bench) == [CARD]


def test_C11_FR_04_a_cache_that_is_not_in_use_is_not_cleared():
    bench = with_cached()
    bench.set("AuthCacheCtrlr.Enabled", False)
    told = bench.ask("ClearCache")
    assert isinstance(told, dict)
    assert told["status"] == "Rejected"
    bench.set("AuthCacheCtrlr.Enabled", True)
    assert charges(bench)
    assert asked_about(bench) == []


def test_C11_FR_05_a_disk_that_refuses_lets_nobody_be_forgotten():
    bench = with_cached()
    bench.station.desk.disk_works = False
    told = bench.ask("ClearCache")
    assert isinstance(told, dict)
    assert told["status"] == "Rejected"
    assert charges(bench)
    assert asked_about(bench) == []
    bench.station.desk.disk_works = True
    assert bench.ask("ClearCache") == {"status": "Accepted"}


# ---- what is known here, and the CSMS is asked all the same ----


def test_C01_FR_05_one_who_is_cached_is_asked_about_unless_the_station_may_decide():
    bench = with_cached(variables={**LOCAL, "AuthCtrlr.LocalPreAuthorize": False})
    assert charges(bench)
    assert asked_about(bench) == [CARD]


def test_C04_FR_03_a_key_code_is_cached_as_a_card_is():
    bench = bench_with(variables=LOCAL)
    bench.plug_in()
    bench.swipe("1234", kind="KeyCode")
    bench.unplug()
    bench.pass_time(10)
    bench.disconnect()
    bench.plug_in()
    bench.swipe("1234", kind="KeyCode")
    assert bench.intents[1].permit_power
    assert not any(b"1234" in key.encode() + record for key, record in bench.records.items() if "cache" in key)


# ---- C09: a group ----


def test_C01_FR_03_C09_FR_07_one_of_the_group_who_is_cached_ends_it_without_asking():
    bench = bench_with(variables=LOCAL)
    cached(bench, CARD, groupIdToken=GROUP)
    cached(bench, OTHER_CARD, groupIdToken=GROUP)
    assert charges(bench, CARD)
    bench.swipe(OTHER_CARD)
    assert not bench.intents[1].permit_power
    assert asked_about(bench) == []
    ended = bench.take_events()[-1]
    assert (ended["triggerReason"], ended["idToken"]["idToken"]) == ("StopAuthorized", OTHER_CARD)


def test_C09_FR_11_one_of_the_group_who_is_invalid_is_asked_about_and_ends_nothing():
    bench = bench_with(variables=LOCAL)
    cached(bench, CARD, groupIdToken=GROUP)
    cached(bench, OTHER_CARD, "Invalid", groupIdToken=GROUP)
    assert charges(bench, CARD)
    says(bench, "Invalid", groupIdToken=GROUP)
    bench.swipe(OTHER_CARD)
    assert asked_about(bench) == [OTHER_CARD]
    assert bench.intents[1].permit_power


def test_C09_FR_03_C09_FR_05_one_who_is_not_known_here_is_asked_about_first():
    bench = bench_with(variables={"AuthCacheCtrlr.Enabled": False})
    says(bench, groupIdToken=GROUP)
    assert charges(bench, CARD)
    bench.swipe(OTHER_CARD)
    assert asked_about(bench) == [CARD, OTHER_CARD]
    assert not bench.intents[1].permit_power


def test_C09_FR_11_and_ends_nothing_when_he_is_refused():
    bench = bench_with()
    says(bench, groupIdToken=GROUP)
    assert charges(bench, CARD)
    says(bench, "Invalid", groupIdToken=GROUP)
    bench.swipe(OTHER_CARD)
    assert bench.intents[1].permit_power


def test_two_cards_without_a_group_are_not_of_one_group():
    bench = bench_with(variables=LOCAL)
    cached(bench, CARD)
    cached(bench, OTHER_CARD)
    assert charges(bench, CARD)
    bench.swipe(OTHER_CARD)
    assert bench.intents[1].permit_power


# ---- C16: the master pass ----

MASTER = LOCAL | {"AuthCtrlr.MasterPassGroupId": "police"}
POLICE = {"idToken": "POLICE", "type": "Central"}


@pytest.mark.parametrize("known", [False, True])
def test_C16_FR_02_C16_FR_04_C16_FR_07_C16_FR_08_a_master_pass_ends_every_transaction(
    known: bool,
):
    bench = bench_with(evses=2, variables=MASTER)
    if known:
        cached(bench, "pass", groupIdToken=POLICE)
    for evse, card in ((1, CARD), (2, OTHER_CARD)):
        bench.plug_in(evse)
        bench.swipe(card, evse)
    bench.take_sent()
    says(bench, groupIdToken=POLICE)
    bench.swipe("pass")
    assert asked_about(bench) == ([] if known else ["pass"])
    ended = [event for event in bench.take_events() if event["eventType"] == "Ended"]
    assert [event["transactionInfo"]["stoppedReason"] for event in ended] == ["MasterPass"] * 2
    assert [(event["triggerReason"], event["idToken"]["idToken"]) for event in ended] == [
        ("StopAuthorized", "pass")
    ] * 2
    assert not any(intent.permit_power for intent in bench.intents.values())


def test_C16_FR_03_C12_FR_09_and_starts_none():
    bench = bench_with(variables=MASTER)
    says(bench, groupIdToken=POLICE)
    assert not charges(bench, "pass")
    assert not charges(bench, "pass")  # from the cache, too
    assert asked_about(bench) == ["pass"]
    told = bench.ask("RequestStartTransaction", idToken=TOKEN, remoteStartId=1, evseId=1, groupIdToken=POLICE)
    assert told is not None
    assert not bench.intents[1].permit_power


def test_C16_FR_03_a_remote_start_with_the_groups_identifier_touches_nobody():
    bench = bench_with(evses=2, variables=MASTER)
    assert charges(bench)
    bench.plug_in(evse=2)
    told = {"idToken": OTHER_CARD, "type": "ISO14443"}
    bench.ask("RequestStartTransaction", idToken=told, remoteStartId=1, evseId=2, groupIdToken=POLICE)
    assert (bench.intents[1].permit_power, bench.intents[2].permit_power) == (True, False)


def test_C16_a_master_pass_that_is_not_accepted_ends_nothing():
    bench = bench_with(variables=MASTER)
    assert charges(bench)
    says(bench, "Blocked", groupIdToken=POLICE)
    bench.swipe("pass")
    assert bench.intents[1].permit_power


def test_C16_without_a_configured_group_nobody_has_a_master_pass():
    bench = bench_with(variables=LOCAL)
    says(bench, groupIdToken={"idToken": "", "type": "Central"})
    assert charges(bench)


def test_C16_the_pass_frees_a_cable():
    bench = bench_with(attached=False, lock=True, variables=MASTER)
    assert charges(bench)
    assert bench.plants[1].locked[1] == "locked"
    says(bench, groupIdToken=POLICE)
    bench.swipe("pass")
    assert bench.plants[1].locked[1] == "unlocked"


# ---- C03, C05: the CSMS brings its own ----


@pytest.mark.parametrize("start", ["EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer"])
def test_C03_FR_01_C05_FR_01_C05_FR_03_C05_FR_05_a_central_token_is_not_asked_about(start: str):
    bench = bench_with(start=start, variables={"AuthCtrlr.AuthorizeRemoteStart": True})
    bench.plug_in()
    bench.take_sent()
    token = {"idToken": "APP", "type": "Central"}
    bench.ask("RequestStartTransaction", idToken=token, remoteStartId=7, evseId=1)
    assert asked_about(bench) == []
    first, *others = bench.take_events()
    assert (first["idToken"], first["transactionInfo"]["remoteStartId"]) == (token, 7)
    assert not any("idToken" in event for event in others)


def test_F01_FR_01_a_card_of_a_remote_start_may_be_known_here():
    bench = with_cached(variables=LOCAL | {"AuthCtrlr.AuthorizeRemoteStart": True})
    bench.plug_in()
    bench.ask("RequestStartTransaction", idToken=TOKEN, remoteStartId=7, evseId=1)
    assert asked_about(bench) == []
    assert bench.intents[1].permit_power
