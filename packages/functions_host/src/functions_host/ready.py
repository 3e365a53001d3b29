READY = "Host ready:"
"""What the host prints, with its address, when it answers. By itself, so that who waits for it loads no host."""
