"""Replaces the protobuf classes of the worker protocol, for a worker in the same process.

The core of the production worker builds and reads its messages through a module of generated classes. Within one
process no message is serialized, so plain objects with attributes are enough. Names and fields are those of the
Azure Functions language worker protocol.
"""

from typing import Any


class Message:
    """Keeps its keyword arguments as attributes."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)


class TypedData(Message):
    """One value: exactly one of string, json, bytes, http, int, double."""

    def WhichOneof(self, _group: str) -> str | None:
        return next(iter(self.__dict__), None)


class ParameterBinding(Message):
    name: str
    data: TypedData

    def WhichOneof(self, _group: str) -> str:
        return "data"


class BindingInfo(Message):
    # The core compares these numbers with the SDK's BindingDirection and DataType enumerations.
    out = 1
    inout = 2
    undefined = 0


class RpcException(Message):
    message: str
    stack_trace: str


class StatusResult(Message):
    Failure = 0
    Success = 1

    status: int
    exception: RpcException


class RpcHttpCookie(Message):
    class SameSite:
        Lax = "Lax"
        Strict = "Strict"
        ExplicitNone = "None"


# "None" is the protocol's word for "not given"; Python cannot spell it as a class attribute.
setattr(RpcHttpCookie.SameSite, "None", None)


class RpcHttp(Message):
    status_code: str
    headers: dict[str, str]
    cookies: list[RpcHttpCookie] | None
    body: TypedData | None


class RpcFunctionMetadata(Message):
    name: str
    function_id: str
    raw_bindings: list[str]


class InvocationResponse(Message):
    return_value: TypedData | None
    result: StatusResult


class WorkerInitResponse(Message):
    result: StatusResult


class FunctionMetadataResponse(Message):
    function_metadata_results: list[RpcFunctionMetadata] | None


class NullableBool(Message):
    value: bool


class NullableDouble(Message):
    value: float


class NullableString(Message):
    value: str


class Timestamp(Message):
    seconds: int


class NullableTimestamp(Message):
    value: Timestamp


class RpcRetryOptions(Message):
    pass


class WorkerMetadata(Message):
    pass
