"""Shortcuts past the slow parts of the openai SDK, with the same results.

The SDK walks each request through the types of its parameters (14 µs and more a message), and
builds each answer and chunk field by field (100 µs a chunk). Neither is needed here: a request
that is plain JSON is what the walk would make of it, and what we answer fits openai's types, so
that pydantic's compiled validators can build the objects.

What this leans on of openai's internals, and what happens when it is not as expected:

- `Completions.create` posts its arguments and nothing else. `_recipe` runs it once on a resource
  that only records, and looks at what it posts. Unexpected: the stock method is called. The same
  if somebody has patched it (instrumentation does) or a call brings what is not plain JSON.
- The type walk leaves plain JSON as it is: no chat parameter has an alias or a format. Tests hold
  every supported version of openai to that.
- `_build_request` makes the HTTP request of `options.json_data`. It does so itself for whatever
  is unusual, and always for a client on which one of `_HOOKS` is patched or overridden.
- `Stream.__stream__` reads chunks from a response. Patched, or with a response that is not
  ours or has been read, the stock one runs.
- `_process_response_data` constructs objects. Patched, or with a chunk or an answer that does not
  fit its type exactly, the stock one runs.
"""
