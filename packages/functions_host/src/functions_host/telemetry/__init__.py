"""The host's spans and their export over OTLP. Read ``spans`` first: it has the spans of durable work."""
