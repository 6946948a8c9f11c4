"""TLS for the security profiles 2 and 3: a context from files.  Decides nothing about trust but what the files say."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.edge.certificates import trust
from agent.provision import Provision

SUITES = ":".join(
    (
        "@SECLEVEL=2",
        *("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"),
        *("AES128-GCM-SHA256", "AES256-GCM-SHA384"),
        *("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"),
    )
)
"""A00.FR.318 and the forward-secret RSA suites; the level refuses keys below 112 bits of security (A00.FR.501)."""

NO_CHECK_TIME = ssl.VerifyFlags(0x200000)
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which Python has no name for."""

NO_WILDCARDS = 0x2
"""X509_CHECK_FLAG_NO_WILDCARDS of OpenSSL, which Python has no name for."""


def context_for(
    provision: Provision, *, clock_known: bool = True, roots: tuple[str, ...] = (), wildcards: bool = False
) -> ssl.SSLContext:
    """The context of this station; ``roots`` are what the CSMS has installed, as PEM.

    ``wildcards``: a certificate for ``*.example.com`` counts for its hosts (AllowCSMSTLSWildcards).

    While the time of day is not known, validity periods cannot be judged: chain, name and signature are, and the
    period is judged by ``out_of_date`` as soon as the CSMS has told the time.

    Raises:
        OSError: a file that is named is not there or not what it should be; ssl.SSLError is one.

    """
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=provision.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # A00.FR.313
    context.set_ciphers(SUITES)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION  # A00.FR.321
    context.check_hostname = provision.verify_hostname is not False
    if not wildcards:
        context._host_flags |= NO_WILDCARDS  # type: ignore[attr-defined]
    if not clock_known:
        context.verify_flags |= NO_CHECK_TIME
    if provision.certs_dir and Path(provision.certs_dir).is_dir():
        context.load_verify_locations(capath=provision.certs_dir)
    trust(context, roots)
    if provision.client_cert_file:
        password = provision.client_key_password or ""  # None would have OpenSSL ask at the terminal
        context.load_cert_chain(provision.client_cert_file, provision.client_key_file, password)
    return context


def upload_context(provision: Provision, roots: tuple[str, ...] = ()) -> ssl.SSLContext:
    """For file transfers: whom the CSMS's authorities trust, and whom the operating system does (N01.FR.15, N01.FR.16).

    Raises:
        OSError: a file that is named is not there or not what it should be.

    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if provision.ca_file:
        context.load_verify_locations(provision.ca_file)
    if provision.certs_dir and Path(provision.certs_dir).is_dir():
        context.load_verify_locations(capath=provision.certs_dir)
    trust(context, roots)
    return context


def out_of_date(certificate: Mapping[str, Any], wall: datetime) -> str | None:
    """Why a peer's certificate (as ``getpeercert`` gives it) is not valid at this time; None when it is."""
    since, until = (
        datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate[name]), UTC) for name in ("notBefore", "notAfter")
    )
    if since <= wall <= until:
        return None
    return (
        f"the CSMS's certificate is valid from {since:%Y-%m-%d} to {until:%Y-%m-%d}, and it says it is {wall:%Y-%m-%d}"
    )
