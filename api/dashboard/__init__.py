"""Pages for people, made by the service itself: no query of their own, no script from elsewhere, no build step."""
