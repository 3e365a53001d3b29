"""What triggers and activities ask of the task hub, through the durable client, and of the ledger beside it."""
