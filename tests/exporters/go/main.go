// Sends two spans with the official exporters over each OTLP protocol, with and without gzip.
package main

import (
	"context"
	"log"
	"os"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"
)

func main() {
	grpc, http := os.Args[1], os.Args[2]
	ctx := context.Background()
	for _, way := range []string{"grpc gzip", "grpc plain", "http gzip", "http plain"} {
		exporter, err := exporterOf(ctx, way, grpc, http)
		if err != nil {
			log.Fatal(err)
		}
		provider := trace.NewTracerProvider(
			trace.WithSyncer(exporter),
			trace.WithResource(resource.NewSchemaless(
				attribute.String("service.name", "go"), attribute.String("way", way))),
		)
		send(ctx, provider.Tracer("exporters", api.WithInstrumentationVersion("1.2.3")))
		if err := provider.Shutdown(ctx); err != nil {
			log.Fatal(err)
		}
	}
}

func exporterOf(ctx context.Context, way, grpc, http string) (trace.SpanExporter, error) {
	switch way {
	case "grpc gzip":
		return otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(grpc), otlptracegrpc.WithInsecure(),
			otlptracegrpc.WithCompressor("gzip"))
	case "grpc plain":
		return otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(grpc), otlptracegrpc.WithInsecure())
	case "http gzip":
		return otlptracehttp.New(ctx, otlptracehttp.WithEndpoint(http), otlptracehttp.WithInsecure(),
			otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
	default:
		return otlptracehttp.New(ctx, otlptracehttp.WithEndpoint(http), otlptracehttp.WithInsecure())
	}
}

func send(ctx context.Context, tracer api.Tracer) {
	start := time.Unix(1_795_000_000, 123_456_789)
	traceID, _ := api.TraceIDFromHex("0102030405060708090a0b0c0d0e0f10")
	spanID, _ := api.SpanIDFromHex("0102030405060708")
	linked := api.NewSpanContext(api.SpanContextConfig{TraceID: traceID, SpanID: spanID})
	ctx, parent := tracer.Start(ctx, "parent",
		api.WithSpanKind(api.SpanKindServer),
		api.WithTimestamp(start),
		api.WithLinks(api.Link{SpanContext: linked, Attributes: []attribute.KeyValue{attribute.String("why", "test")}}),
		api.WithAttributes(
			attribute.String("text", "tëxt \"quoted\" ☃"),
			attribute.Int64("integer", 9007199254740991),
			attribute.Int64("negative", -7),
			attribute.Float64("double", 1.5),
			attribute.Bool("boolean", true),
			attribute.StringSlice("texts", []string{"a", ""}),
			attribute.Int64Slice("integers", []int64{1, -2}),
			attribute.Float64Slice("doubles", []float64{0.5, 2.25}),
			attribute.BoolSlice("booleans", []bool{true, false}),
		))
	parent.AddEvent("happened", api.WithTimestamp(start.Add(time.Millisecond)),
		api.WithAttributes(attribute.Int("n", 1)))
	_, child := tracer.Start(ctx, "child", api.WithSpanKind(api.SpanKindClient),
		api.WithTimestamp(start.Add(2*time.Millisecond)))
	child.SetStatus(codes.Error, "broken")
	child.End(api.WithTimestamp(start.Add(3 * time.Millisecond)))
	parent.End(api.WithTimestamp(start.Add(5 * time.Millisecond)))
}
