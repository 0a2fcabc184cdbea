"""What is known about each Claude model: data with sources, and one reader of it."""
