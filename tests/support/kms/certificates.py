"""Makes a CA, a server's certificate for 127.0.0.1 and a client's: certificates.py DIRECTORY."""

import datetime
import ipaddress
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


def name(common):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def issue(subject, key, issuer, issuer_key, extensions):
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + 30 * DAY)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer_key, hashes.SHA256())


def write(directory, stem, certificate, key):
    (directory / f"{stem}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (directory / f"{stem}.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def main():
    directory = Path(sys.argv[1])
    ca_key, server_key, client_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    ca = [(x509.BasicConstraints(ca=True, path_length=0), True)]
    write(directory, "ca", issue("test CA", ca_key, "test CA", ca_key, ca), ca_key)
    for stem, key, usage in (
        ("server", server_key, ExtendedKeyUsageOID.SERVER_AUTH),
        ("client", client_key, ExtendedKeyUsageOID.CLIENT_AUTH),
    ):
        extensions = [
            (x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False),
            (x509.ExtendedKeyUsage([usage]), False),
        ]
        write(directory, stem, issue(stem, key, "test CA", ca_key, extensions), key)


main()
