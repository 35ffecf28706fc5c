"""Models: where they are stored, which version answers, how they are loaded, kept in memory and run."""
