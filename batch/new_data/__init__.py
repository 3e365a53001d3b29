"""New data starts runs: rules, uploads, and the window that gathers the files of a folder."""
