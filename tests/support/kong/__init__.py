"""Kong's side of both plugin protocols, from our own description of the real Kong 3.9.3.

Nothing here knows the plugin server under test: what both sides agree on is the recordings in
tests/captures/kong and nothing else. Start with `worker.KongWorker`; `front.run_kong_front` puts
HTTP before it.
"""
