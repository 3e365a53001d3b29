"""Says at its end how a run ended: which receivers there are, what they get, and how it is sent."""
