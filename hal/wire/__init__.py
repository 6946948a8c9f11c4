"""Pure codecs: bytes to frozen structs, one protocol a file."""
