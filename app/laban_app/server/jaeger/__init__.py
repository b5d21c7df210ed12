"""Jaeger's query API: what Grafana and the Jaeger UI ask, answered from laban's store.

Sources: `http_handler.go`, `http_gateway.go` and `query_parser.go` of jaegertracing/jaeger (1.60 to
2.20 and later), `query_service.proto` of jaegertracing/jaeger-idl, and the clients in grafana/grafana and
jaegertracing/jaeger-ui.
"""
