"""The tables of the task hub, in one SQLite file. Read ``store`` first: it opens the file and has the transaction."""
