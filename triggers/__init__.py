"""How work comes in: HTTP, Event Grid, a timer; and the page on which people watch."""
