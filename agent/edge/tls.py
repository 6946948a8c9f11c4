"""TLS for the security profiles 2 and 3: a context from files.  Decides nothing about trust but what the files say."""

from __future__ import annotations

import ssl
from pathlib import Path

from agent.provision import Provision

SUITES = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:AES128-GCM-SHA256:AES256-GCM-SHA384:" + (
    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"
)
"""A00.FR.318 with the forward-secret RSA suites in front of what it names."""


def context_for(provision: Provision) -> ssl.SSLContext:
    """The context of this station.

    Raises:
        OSError: a file that is named is not there or not what it should be; ssl.SSLError is one.

    """
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=provision.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # A00.FR.313
    context.set_ciphers(SUITES)
    context.check_hostname = provision.verify_hostname is not False
    if provision.certs_dir and Path(provision.certs_dir).is_dir():
        context.load_verify_locations(capath=provision.certs_dir)
    if provision.client_cert_file:
        context.load_cert_chain(provision.client_cert_file, provision.client_key_file, provision.client_key_password)
    return context
