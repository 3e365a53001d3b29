"""The HTTP server, and the HTTP triggers with their routes. Read ``server`` first."""
