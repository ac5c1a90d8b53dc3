"""The command line; the daemon never imports it."""
