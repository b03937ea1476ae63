"""The budget engine in Redis or Valkey: its connection, its scripts, and how it keeps things."""
