"""One file a language: each module's ``LANGUAGE``. A new file here is all that a language takes."""
