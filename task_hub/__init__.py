"""What client functions (triggers and activities that bind the durable client) ask of the task hub."""
