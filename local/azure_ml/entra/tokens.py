"""Access tokens: RS256 JWTs with the claims that Entra puts into app-only tokens."""

import time
import uuid
from dataclasses import dataclass

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from local.azure_ml.entra.identities import Credentials


class TokenRefused(Exception):
    """The token is missing, malformed, forged, expired, or for another audience; the text says which."""


@dataclass(frozen=True)
class IssuedToken:
    value: str
    audience: str
    expires_on: int
    lifetime: int


class TokenAuthority:
    """Issues tokens and checks them. ``issuer`` is set once the port of Entra's server is known."""

    def __init__(self, key: rsa.RSAPrivateKey, tenant_id: str, lifetime: int) -> None:
        self._key = key
        self._public = key.public_key()
        self._tenant_id = tenant_id
        self._lifetime = lifetime
        self.issuer = ""

    def issue(self, audience: str, holder: Credentials) -> IssuedToken:
        now = int(time.time())
        expires_on = now + self._lifetime
        claims = {
            "aud": audience,
            "iss": self.issuer,
            "iat": now,
            "nbf": now,
            "exp": expires_on,
            "appid": holder.client_id,
            "appidacr": "1" if holder.kind == "service-principal" else "2",
            "idtyp": "app",
            "oid": holder.object_id,
            "sub": holder.object_id,
            "tid": self._tenant_id,
            "uti": uuid.uuid4().hex,
            "ver": "1.0",
        }
        if holder.kind != "service-principal":
            claims["xms_mirid"] = f"/identities/{holder.name}"
        return IssuedToken(
            jwt.encode(claims, self._key, algorithm="RS256"), audience, expires_on, self._lifetime
        )

    def verify(self, authorization: str | None, audience: str) -> str:
        """Returns the client id that the token was issued to. Raises TokenRefused."""
        token = bearer(authorization)
        if token is None:
            raise TokenRefused(
                "Authentication failed. The 'Authorization' header is missing or not a bearer token."
            )
        try:
            claims = jwt.decode(
                token,
                self._public,
                algorithms=["RS256"],
                options={"require": ["aud", "exp", "appid"], "verify_aud": False},
            )
        except jwt.ExpiredSignatureError as error:
            raise TokenRefused("The access token expiry has passed.") from error
        except jwt.InvalidTokenError as error:
            raise TokenRefused(f"The access token is invalid: {error}") from error
        if str(claims["aud"]).rstrip("/") != audience.rstrip("/"):
            raise TokenRefused(
                f"The access token has been obtained for wrong audience or resource '{claims['aud']}'. "
                f"It should exactly match with '{audience}'."
            )
        return str(claims["appid"])


def bearer(authorization: str | None) -> str | None:
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def audience_of(authorization: str | None) -> str | None:
    """The audience that a token names, unverified; None without a bearer token. For the request log only."""
    token = bearer(authorization)
    if token is None:
        return None
    try:
        return str(jwt.decode(token, options={"verify_signature": False}).get("aud"))
    except jwt.InvalidTokenError:
        return "unreadable"
