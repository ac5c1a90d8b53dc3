"""One module per revision, oldest first. A released one is never edited."""
