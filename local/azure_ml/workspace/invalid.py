"""Why an invoke is refused."""


class InvalidRequest(Exception):
    """The body is not a valid invoke; the text says which field is wrong."""
