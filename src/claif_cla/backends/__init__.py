"""Backends: the places where a Messages request can be answered."""
