"""What the app itself keeps about runs, in one table: which there are, who may submit, which job is whose."""
