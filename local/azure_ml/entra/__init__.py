"""Microsoft Entra: who may sign in, the endpoints that issue tokens, and the check of a token."""
