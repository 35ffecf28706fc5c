"""The asynchronous mode: what is done with jobs, over the interfaces of the stores that keep them."""
