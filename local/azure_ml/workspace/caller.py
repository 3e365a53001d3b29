"""Who calls the data plane: the batch endpoint or run history, with a token for Azure ML."""

from collections.abc import Mapping

from local.azure_ml.config import Role
from local.azure_ml.entra.identities import Credentials
from local.azure_ml.entra.tokens import TokenAuthority, TokenRefused
from local.azure_ml.errors import ENTRA_POLICY_TEXT, Refused, service_error, text_answer
from local.azure_ml.server import Call


def data_plane_caller(
    call: Call, audience: str, principals: Mapping[str, Credentials], tokens: TokenAuthority
) -> Credentials:
    """Raises Refused."""
    try:
        client_id = tokens.verify(call.request.headers.get("Authorization"), audience)
    except TokenRefused as error:
        raise Refused(service_error(401, "Unauthorized", str(error))) from error
    caller = principals.get(client_id)
    if caller is None or Role.ENDPOINT not in caller.roles:
        raise Refused(text_answer(403, ENTRA_POLICY_TEXT))
    return caller
