// Publishes a parcel for each bill. franz-go's plugin for OpenTelemetry traces it.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kotel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"
)

func main() {
	broker, group, in, out := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	ctx := context.Background()
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		log.Fatal(err)
	}
	tracer := kotel.NewTracer(
		kotel.TracerProvider(trace.NewTracerProvider(trace.WithBatcher(exporter))),
		kotel.TracerPropagator(propagation.TraceContext{}),
		kotel.ConsumerGroup(group),
	)
	client, err := kgo.NewClient(
		kgo.SeedBrokers(broker),
		kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(in),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.WithHooks(kotel.NewKotel(kotel.WithTracer(tracer)).Hooks()...),
	)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready")
	for {
		client.PollFetches(ctx).EachRecord(func(bill *kgo.Record) {
			processing, span := tracer.WithProcessSpan(bill)
			defer span.End()
			parcel := &kgo.Record{Topic: out, Key: bill.Key, Value: []byte("packed")}
			if err := client.ProduceSync(processing, parcel).FirstErr(); err != nil {
				log.Fatal(err)
			}
		})
	}
}
