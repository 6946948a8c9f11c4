"""TLS and a clock that is not known: chain and name are judged at once, the validity period when the time is known."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from agent.edge.tls import context_for, out_of_date
from agent.provision import Provision

YESTERDAY = datetime.now(UTC) - timedelta(days=1)


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return authority


async def shake_hands(
    authority: trustme.CA, folder: Path, *, clock_known: bool, expired: bool, name: str = "localhost"
) -> dict[str, object]:
    """The certificate that a TLS server with this certificate showed to a station."""
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, not_after=YESTERDAY if expired else None).configure_cert(server_side)
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0, ssl=server_side)
    port = server.sockets[0].getsockname()[1]
    context = context_for(Provision(ca_file=str(folder / "ca.pem")), clock_known=clock_known)
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
        shown: dict[str, object] = writer.get_extra_info("peercert")
        writer.close()
        return shown
    finally:
        server.close()


async def test_with_a_known_clock_an_expired_certificate_is_refused_at_once(
    authority: trustme.CA, tmp_path: Path
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        await shake_hands(authority, tmp_path, clock_known=True, expired=True)


async def test_with_an_unknown_clock_it_is_refused_when_the_time_is_known(
    authority: trustme.CA, tmp_path: Path
) -> None:
    shown = await shake_hands(authority, tmp_path, clock_known=False, expired=True)
    assert "valid from" in (out_of_date(shown, datetime.now(UTC)) or "")
    assert out_of_date(shown, YESTERDAY - timedelta(hours=1)) is None


async def test_with_an_unknown_clock_the_name_is_still_judged(authority: trustme.CA, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="ostname"):
        await shake_hands(authority, tmp_path, clock_known=False, expired=False, name="elsewhere.example")


async def test_with_an_unknown_clock_the_chain_is_still_judged(authority: trustme.CA, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match=r"unable to get local issuer|self.signed"):
        await shake_hands(trustme.CA(), tmp_path, clock_known=False, expired=False)


async def test_a_valid_certificate_is_valid_whatever_is_known(authority: trustme.CA, tmp_path: Path) -> None:
    for clock_known in (True, False):
        shown = await shake_hands(authority, tmp_path, clock_known=clock_known, expired=False)
        assert out_of_date(shown, datetime.now(UTC)) is None
