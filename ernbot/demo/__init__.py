"""The embedded homeserver and the scripted story."""
