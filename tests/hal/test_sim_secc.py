"""The simulated SECC: what a vehicle that speaks ISO 15118 chooses, presents, and does when it is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate, load_pem_x509_certificates
from cryptography.x509.oid import NameOID
from msgspec.structs import replace

from hal.bus.sim import SimBus
from hal.bus.sim_evse import Vehicle
from hal.chain import judge
from hal.drivers.contract_chain import read_contract
from hal.drivers.sim_operator import Issuer, Operator, operator
from hal.drivers.sim_pilot import SimPilot
from hal.drivers.sim_secc import SimSecc
from hal.events import (
    ContractCertificateAsked,
    ContractPresented,
    DeviceLost,
    EimChosen,
    Event,
    EvNeeds,
    EvNeedsTold,
    EvScheduleChosen,
)
from hal.ports import Place, PlugAndChargeSecc, ScheduleOffer, SchedulingSecc, Secc, SeccCertificates, SeccIntent
from tests.hal.test_sim import FakeClock

NOW = datetime(2026, 6, 1, tzinfo=UTC)
EMAID = "DEABCC00000042"
PAYS = Vehicle(protocol="iso15118-ac", payment="contract", emaid=EMAID)
OFFERED = SeccIntent(contract=True)


class Desk:
    """One EVSE with a pilot and an SECC."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.bus = SimBus(SimBus.Config(), self.clock)
        self.events: list[Event] = []
        self.secc = SimSecc(SimSecc.Config(), Place("evse[0].secc", 1), self.bus, self.events.append)
        self.bus.world.attach(SimPilot(SimPilot.Config(), Place("evse[0].pilot", 1), self.bus, self.events.append))
        self.bus.world.attach(self.secc)

    def tell(self, intent: SeccIntent) -> None:
        self.secc.tell_vehicle(intent)
        self.clock.advance(0)

    def choices(self) -> list[Event]:
        return [event for event in self.events if isinstance(event, (ContractPresented, EimChosen))]

    def contract(self) -> ContractPresented:
        (event,) = [event for event in self.choices() if isinstance(event, ContractPresented)]
        return event


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_it_is_an_secc_that_leaves_certificates_to_the_host(desk: Desk) -> None:
    assert isinstance(desk.secc, Secc)
    assert isinstance(desk.secc, PlugAndChargeSecc)


@pytest.mark.parametrize(("contract", "action"), [("missing", "Install"), ("old", "Update")])
@pytest.mark.parametrize("brought", [True, False])
def test_a_vehicle_without_a_good_contract_asks_for_one_and_pays_when_it_got_it(
    desk: Desk, contract: str, action: str, brought: bool
) -> None:
    desk.tell(OFFERED)
    desk.bus.world.plug_in(1, ev=replace(PAYS, contract=contract))
    desk.clock.advance(60_000)
    (asked,) = [event for event in desk.events if isinstance(event, ContractCertificateAsked)]
    assert (asked.evse, asked.action, desk.choices()) == (1, action, [])
    desk.secc.bring_contract("an answer" if brought else None)
    desk.clock.advance(60_000)
    (choice,) = desk.choices()
    assert isinstance(choice, ContractPresented if brought else EimChosen)
    desk.secc.bring_contract("another one")  # nobody waits for it
    assert desk.choices() == [choice]


def test_a_root_that_the_host_brings_counts_as_its_own(desk: Desk) -> None:
    foreign = operator("Foreign", datetime(datetime.now(UTC).year, 1, 1, tzinfo=UTC))
    desk.secc.hold(SeccCertificates(roots=(foreign.root.public_bytes(Encoding.PEM).decode(),)))
    desk.tell(OFFERED)
    desk.bus.world.plug_in(1, ev=replace(PAYS, contract="foreign"))
    assert desk.contract().contract.verdict == "valid"


def test_a_vehicle_that_does_not_speak_it_says_nothing(desk: Desk) -> None:
    desk.tell(OFFERED)
    desk.bus.world.plug_in(1, ev=Vehicle(payment="contract"))
    assert desk.choices() == []


def test_without_the_offer_a_card_has_to_do(desk: Desk) -> None:
    desk.bus.world.plug_in(1, ev=PAYS)
    assert desk.choices() == [EimChosen(1)]


def test_the_offer_may_come_after_the_vehicle(desk: Desk) -> None:
    desk.bus.world.plug_in(1, ev=PAYS)
    desk.tell(OFFERED)
    assert [type(event) for event in desk.choices()] == [EimChosen, ContractPresented]


def test_once_authorized_the_vehicle_chooses_no_more(desk: Desk) -> None:
    desk.bus.world.plug_in(1, ev=PAYS)
    desk.tell(SeccIntent(contract=True, authorization="granted"))
    assert desk.choices() == [EimChosen(1)]


def test_a_contract_comes_with_the_pilot_before_it_and_once(desk: Desk) -> None:
    desk.tell(OFFERED)
    desk.bus.world.plug_in(1, ev=PAYS)
    desk.tell(SeccIntent(contract=True, authorization="granted"))
    desk.tell(SeccIntent(contract=False, authorization="granted"))
    names = [type(event).__name__ for event in desk.events]
    assert names.count("ContractPresented") == 1
    assert names.index("ContractPresented") > max(i for i, name in enumerate(names) if name == "PilotChanged")


def test_the_contract_is_what_ocpp_asks_for(desk: Desk) -> None:
    desk.tell(OFFERED)
    desk.bus.world.plug_in(1, ev=PAYS)
    contract = desk.contract().contract
    chain = load_pem_x509_certificates(contract.chain_pem.encode())
    assert (contract.emaid, contract.verdict) == (EMAID, "valid")
    assert chain[0].subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == EMAID
    assert len(contract.chain_pem) <= 5500  # what OCPP 2.0.1 carries
    assert [int(each.serial, 16) for each in contract.hashes] == [each.serial_number for each in chain]
    assert all(len(each.issuer_name) == len(each.issuer_key) == 64 for each in contract.hashes)
    assert all(each.responder_url for each in contract.hashes)


def test_a_contract_that_nobody_here_can_judge(desk: Desk) -> None:
    desk.tell(OFFERED)
    desk.bus.world.plug_in(1, ev=Vehicle(protocol="iso15118-ac", payment="contract", contract="foreign"))
    contract = desk.contract().contract
    assert contract.verdict == "unknown_root"
    assert len(contract.hashes) == 2  # of the third, the issuer's key is not known


def test_a_contract_of_the_past(desk: Desk) -> None:
    desk.tell(OFFERED)
    desk.bus.world.plug_in(1, ev=Vehicle(protocol="iso15118-dc", payment="contract", contract="expired"))
    assert desk.contract().contract.verdict == "invalid"


def test_refused_the_vehicle_leaves_it_to_a_card_and_does_not_ask_again(desk: Desk) -> None:
    desk.tell(OFFERED)
    desk.bus.world.plug_in(1, ev=PAYS)
    desk.tell(SeccIntent(contract=True, authorization="refused"))
    desk.tell(OFFERED)
    assert [type(event) for event in desk.choices()] == [ContractPresented, EimChosen]
    desk.bus.world.unplug(1)
    desk.bus.world.plug_in(1, ev=PAYS)
    assert isinstance(desk.choices()[-1], ContractPresented)


def test_a_session_begins_anew_when_the_wire_is_on_again(desk: Desk) -> None:
    desk.tell(OFFERED)
    desk.bus.world.plug_in(1, ev=PAYS)
    desk.bus.world.lose(1, "secc")
    assert any(isinstance(event, DeviceLost) for event in desk.events)
    desk.bus.world.find(1, "secc")
    assert [type(event) for event in desk.choices()] == [ContractPresented, ContractPresented]


# ---- the chain ----


def chain_of(operator: Operator, until: datetime = NOW + timedelta(days=1)) -> str:
    return operator.contract_pem(EMAID, since=NOW - timedelta(days=1), until=until)


def test_a_chain_without_its_middle_leads_nowhere() -> None:
    operator = Operator("A", NOW)
    leaf, _, upper = load_pem_x509_certificates(chain_of(operator).encode())
    assert judge((leaf, upper), (operator.root,), NOW) == "invalid"


def test_a_chain_that_another_signed_is_not_made_good_by_its_names() -> None:
    one, other = Operator("A", NOW), Operator("A", NOW)
    assert read_contract(EMAID, chain_of(one), (one.root,), NOW).verdict == "valid"
    assert read_contract(EMAID, chain_of(one), (other.root,), NOW).verdict == "unknown_root"
    leaf = load_pem_x509_certificate(chain_of(one).encode())
    above = load_pem_x509_certificates(chain_of(other).encode())[1:]
    assert judge((leaf, *above), (one.root, other.root), NOW) == "invalid"


@pytest.mark.parametrize(("claimed", "verdict"), [("de-abc-c00000042", "valid"), ("DEABCC00000043", "invalid")])
def test_a_contract_is_good_for_its_own_emaid_only(claimed: str, verdict: str) -> None:
    operator = Operator("A", NOW)
    assert read_contract(claimed, chain_of(operator), (operator.root,), NOW).verdict == verdict


def test_a_contract_signs_no_other_contract() -> None:
    since, until = NOW - timedelta(days=1), NOW + timedelta(days=1)
    root = Issuer("Root", since, until)
    contract = Issuer(EMAID, since, until, root, ca=False)
    forged = Issuer("DEABCC00000043", since, until, contract, ca=False)
    assert judge((contract.certificate,), (root.certificate,), NOW) == "valid"
    assert judge((forged.certificate, contract.certificate), (root.certificate,), NOW) == "invalid"


@pytest.mark.parametrize(
    "text", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_chain_is_invalid(text: str) -> None:
    contract = read_contract("X", text, (), NOW)
    assert (contract.verdict, contract.hashes) == ("invalid", ())


def test_a_root_that_has_expired_vouches_for_nobody() -> None:
    operator = Operator("A", NOW - timedelta(days=3651))
    assert read_contract(EMAID, chain_of(operator), (operator.root,), NOW).verdict == "invalid"


def offer(*limits: tuple[int, float], id: int = 1) -> ScheduleOffer:
    return ScheduleOffer(id, NOW, 86_400, "A", limits)


def test_once_it_may_charge_it_says_what_it_needs_and_takes_the_first_schedule_as_far_as_it_can(desk: Desk) -> None:
    assert isinstance(desk.secc, SchedulingSecc)
    desk.bus.world.plug_in(1, ev=Vehicle(protocol="iso15118-ac", current_a=16.0, energy_wh=20_000.0))
    assert told(desk) == []
    desk.tell(SeccIntent(authorization="granted"))
    assert told(desk) == [EvNeedsTold(1, EvNeeds("AC_three_phase", 16.0, 230.0, 6.0, 20_000.0))]
    desk.secc.offer((offer((0, 10.0), (60, 32.0)), offer((0, 6.0), id=2)))
    desk.clock.advance(0)
    assert told(desk)[1:] == [EvScheduleChosen(1, 1, ((0, 10.0), (60, 16.0)))]
    desk.secc.offer((offer((0, 8.0), id=3),))
    desk.clock.advance(0)
    assert told(desk)[2:] == [EvScheduleChosen(1, 3, ((0, 8.0),))]


def test_a_vehicle_that_does_not_speak_it_negotiates_nothing(desk: Desk) -> None:
    desk.bus.world.plug_in(1, ev=Vehicle())
    desk.tell(SeccIntent(authorization="granted"))
    desk.secc.offer((offer((0, 10.0)),))
    desk.clock.advance(0)
    assert told(desk) == []


def told(desk: Desk) -> list[Event]:
    return [event for event in desk.events if isinstance(event, (EvNeedsTold, EvScheduleChosen))]
