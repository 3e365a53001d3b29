"""The domain: what a run is and how it decides. Knows nothing of Azure Functions."""
