"""JSON schemas of OpenAI requests in the forms that Claude takes; see `convert`."""
