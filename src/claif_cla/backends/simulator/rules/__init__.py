"""The rules of the Messages API, as far as a request can break them."""
