"""APISIX's side of the ext-plugin protocol, from our own description of the real APISIX 3.16.0.

Nothing here knows the runner under test: what both sides agree on is the recordings in
tests/captures/apisix and nothing else. Start with `worker.ApisixWorker`; `front.run_apisix_front`
puts HTTP before it.
"""
