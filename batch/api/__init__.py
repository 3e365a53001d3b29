"""The HTTP contract: what callers send and receive, and the document that describes it."""
