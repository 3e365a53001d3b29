"""Keys and credentials of the emulated Azure ML: made at random at the first start, kept in the state folder.

The files have mode 0600. They survive a restart, so that cached tokens and the CA bundle of clients stay valid.
"""

import secrets
import ssl
import tempfile
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from pydantic import TypeAdapter

from local.azure_ml.config import Principal, PrincipalKind, Role


@dataclass(frozen=True)
class Credentials:
    """One principal as Entra knows it. Secrets, certificate and federation belong to service principals."""

    name: str
    kind: PrincipalKind
    client_id: str
    object_id: str
    roles: frozenset[Role]
    client_secret: str | None = field(default=None, repr=False)
    certificate_path: Path | None = None
    federated_token_file: Path | None = None


@dataclass(frozen=True)
class _Kept:
    """The content of ``credentials.json``: ids and secrets by principal name."""

    identity_header: str
    ids: dict[str, tuple[str, str, str]]


@dataclass(frozen=True)
class Material:
    ca_bundle: Path
    tls: ssl.SSLContext
    signing_key: rsa.RSAPrivateKey
    identity_header: str
    principals: tuple[Credentials, ...]


def load_or_create(state: Path, principals: tuple[Principal, ...]) -> Material:
    folder = state / "identities"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    ca = _certificate_authority(folder)
    ca_bundle = folder / "ca.pem"
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("127.0.0.1", "localhost").configure_cert(tls)
    kept = _kept(folder / "credentials.json", principals)
    return Material(
        ca_bundle=ca_bundle,
        tls=tls,
        signing_key=_signing_key(folder / "signing-key.pem"),
        identity_header=kept.identity_header,
        principals=tuple(
            _credentials(folder, ca, principal, kept.ids[principal.name]) for principal in principals
        ),
    )


def write_private(path: Path, content: bytes) -> None:
    """Writes a file that only its owner can read, atomically."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as draft:
        draft.write(content)
    Path(draft.name).replace(path)


def _certificate_authority(folder: Path) -> trustme.CA:
    certificate, key = folder / "ca.pem", folder / "ca-key.pem"
    if certificate.exists() and key.exists():
        return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
    ca = trustme.CA(organization_name="local Azure ML")
    write_private(key, ca.private_key_pem.bytes())
    write_private(certificate, ca.cert_pem.bytes())
    return ca


def _signing_key(path: Path) -> rsa.RSAPrivateKey:
    if path.exists():
        loaded = load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(loaded, rsa.RSAPrivateKey):
            raise ValueError(
                f"{path} does not hold an RSA key; delete it, and the next start makes a new one"
            )
        return loaded
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    write_private(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def _kept(path: Path, principals: tuple[Principal, ...]) -> _Kept:
    adapter = TypeAdapter(_Kept)
    kept = adapter.validate_json(path.read_bytes()) if path.exists() else _Kept(secrets.token_hex(16), {})
    for principal in principals:
        if principal.name not in kept.ids:
            kept.ids[principal.name] = (str(uuid.uuid4()), str(uuid.uuid4()), secrets.token_urlsafe(30))
    write_private(path, adapter.dump_json(kept))
    return kept


def _credentials(
    folder: Path, ca: trustme.CA, principal: Principal, ids: tuple[str, str, str]
) -> Credentials:
    client_id, object_id, secret = ids
    known = Credentials(principal.name, principal.kind, client_id, object_id, principal.roles)
    if principal.kind != "service-principal":
        return known
    certificate = folder / f"{principal.name}-certificate.pem"
    if not certificate.exists():
        issued = ca.issue_cert(common_name=principal.name, key_type=trustme.KeyType.RSA)
        write_private(certificate, issued.private_key_and_cert_chain_pem.bytes())
    token_file = folder / f"{principal.name}-federated-token"
    if not token_file.exists():
        write_private(token_file, secrets.token_urlsafe(48).encode())
    return Credentials(
        known.name,
        known.kind,
        known.client_id,
        known.object_id,
        known.roles,
        client_secret=secret,
        certificate_path=certificate,
        federated_token_file=token_file,
    )
