"""Durable state that several orchestrations and clients change, one operation at a time."""
