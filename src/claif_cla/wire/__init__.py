"""Shapes and codecs of what travels: HTTP messages, JSON text, server-sent events."""
