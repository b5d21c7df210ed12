"""gRPC: patches for the instrumentations of its servers and of its sync and asyncio clients."""
