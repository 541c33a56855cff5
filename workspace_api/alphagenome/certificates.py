"""The gateway's certificates: an authority of the workspace's own, made at its first start."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from workspace_api.alphagenome.settings import CA_FILE, ROOTS_FILE

CA_YEARS = 10
SERVER_DAYS = 365
RENEW_DAYS = 30
SYSTEM_ROOTS = Path("/etc/ssl/certs/ca-certificates.crt")
NAMES = ("localhost",)
ADDRESSES = ("127.0.0.1", "::1")


@dataclass(frozen=True)
class ServerCertificate:
    """A private key and the chain that proves it, both PEM."""

    key: bytes
    chain: bytes


def ensure_certificates(folder: Path, public: Path, names: tuple[str, ...] = ()) -> ServerCertificate:
    """Return the server's certificate, made or renewed as needed; `public` receives what clients trust.

    It is for this machine as it calls itself, and for `names`, which may be addresses. The authority stays
    for ten years; the server's certificate is renewed a month before it ends. Keys are readable by their
    owner only. `public/ca.pem` is the authority, `public/roots.pem` the system's authorities and ours.
    """
    folder.mkdir(parents=True, exist_ok=True)
    public.mkdir(parents=True, exist_ok=True)
    authority_key, authority = _authority(folder)
    key_file, certificate_file = folder / "server-key.pem", folder / "server.pem"
    if not (key_file.exists() and _usable(certificate_file, authority, names)):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _sign_server(key, authority_key, authority, names)
        _write(key_file, _pem_of_key(key), private=True)
        _write(certificate_file, certificate.public_bytes(serialization.Encoding.PEM))
    pem = authority.public_bytes(serialization.Encoding.PEM)
    system = SYSTEM_ROOTS.read_bytes() if SYSTEM_ROOTS.exists() else b""
    _write(public / CA_FILE, pem)
    _write(public / ROOTS_FILE, system + b"\n" + pem)
    return ServerCertificate(key_file.read_bytes(), certificate_file.read_bytes() + pem)


def _authority(folder: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key_file, certificate_file = folder / "ca-key.pem", folder / "ca.pem"
    if key_file.exists() and certificate_file.exists():
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError(f"{key_file} holds a key of another kind. Remove it, and a new one is made.")
        return key, x509.load_pem_x509_certificate(certificate_file.read_bytes())
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Labfork workspace authority")])
    certificate = (
        _builder(name, name, key, days=CA_YEARS * 365)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(key_file, _pem_of_key(key), private=True)
    _write(certificate_file, certificate.public_bytes(serialization.Encoding.PEM))
    return key, certificate


def _sign_server(
    key: ec.EllipticCurvePrivateKey,
    authority_key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    names: tuple[str, ...],
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Labfork AlphaGenome gateway")])
    alternatives = [_alternative(name) for name in dict.fromkeys((*NAMES, *ADDRESSES, *names))]
    return (
        _builder(subject, authority.subject, key, days=SERVER_DAYS)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(_identifier_of(authority_key), critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _identifier_of(authority_key: ec.EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    """Tell the authority from those of other workspaces, which all have one name."""
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, days: int
) -> x509.CertificateBuilder:
    start = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - dt.timedelta(minutes=5))
        .not_valid_after(start + dt.timedelta(days=days))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _usable(file: Path, authority: x509.Certificate, names: tuple[str, ...]) -> bool:
    if not file.exists():
        return False
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    left = certificate.not_valid_after_utc - dt.datetime.now(dt.UTC)
    known = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    covered = {_alternative(name) for name in names} <= set(known)
    return covered and left.days > RENEW_DAYS and _issued_by(certificate, authority)


def _issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether this very authority signed: one that was made anew has the same name and another key."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _pem_of_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)


def _write(path: Path, content: bytes, *, private: bool = False) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if private else 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    temporary.replace(path)
