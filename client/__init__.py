"""Follows and cancels runs of any deployed app, through its HTTP API."""
