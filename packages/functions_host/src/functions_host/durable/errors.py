"""Why the task hub refuses what a caller asks for; each error has its status code in the management API."""


class ArgumentError(Exception):
    """A caller's argument is wrong (.NET's ArgumentException: HTTP 400)."""


class InvalidOperationError(Exception):
    """The instance is in no state for this operation (HTTP 500 in the management API)."""


class OrchestrationAlreadyExistsError(InvalidOperationError):
    """``start`` on an instance that has not ended."""


class PreconditionError(Exception):
    """The instance is in no state for this operation (HTTP 412, this text is the body)."""


class InstanceNotFoundError(LookupError):
    """No such instance (HTTP 404)."""


class InstanceGoneError(Exception):
    """The instance has ended (HTTP 410)."""
