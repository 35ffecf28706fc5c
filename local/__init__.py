"""Runs the stack on this machine: an emulator of AWS, the template deployed to it, a tour of the API."""
