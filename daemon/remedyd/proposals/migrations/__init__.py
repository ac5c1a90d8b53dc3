"""Schema revisions, packaged with the code and run at start when they are needed."""
