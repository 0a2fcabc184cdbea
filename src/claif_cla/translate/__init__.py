"""The sans-I/O core: OpenAI's wire in, Anthropic's wire out, and back. JSON in, JSON out."""
