"""What all services share: settings, HTTP and gRPC servers, common routes, and clients for other services."""
