"""The workspace as its callers see it: batch endpoint, Azure Resource Manager, and the events about jobs."""
