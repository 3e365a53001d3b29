"""The HTTP management API of Durable Functions, over the task hub. Read ``api`` first: it has the routes."""
