"""One machine, no Azure: a Functions host and an Azure ML that stand in for the real ones. Never deployed."""
