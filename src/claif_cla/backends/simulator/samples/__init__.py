"""Values that are valid for a JSON schema, made without chance."""
