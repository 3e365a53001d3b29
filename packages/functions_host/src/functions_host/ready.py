READY = "Host ready:"
"""The host prints this word and its address when it answers requests.

It has a module of its own, so that a parent process that waits for it does not import the host.
"""
