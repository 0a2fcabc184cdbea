"""The drop-in OpenAI client for Claude."""
