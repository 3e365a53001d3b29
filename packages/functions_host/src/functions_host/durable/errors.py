"""Errors of the task hub for its callers. The management API has a status code for each."""


class ArgumentError(Exception):
    """An argument of the caller is wrong (HTTP 400; .NET's ArgumentException)."""


class InvalidOperationError(Exception):
    """The status of the instance does not allow the operation (HTTP 500)."""


class OrchestrationAlreadyExistsError(InvalidOperationError):
    """``start`` with the id of an instance that has not ended (HTTP 409)."""


class PreconditionError(Exception):
    """The status of the instance does not allow the operation (HTTP 412; this text is the body)."""


class InstanceNotFoundError(LookupError):
    """No such instance (HTTP 404)."""


class InstanceGoneError(Exception):
    """The instance has ended (HTTP 410)."""
