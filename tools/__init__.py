"""Tools for work on this project; they are not deployed."""
