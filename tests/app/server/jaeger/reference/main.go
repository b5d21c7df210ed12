// Reads OTLP/JSON, converts it to Jaeger's model with the code that Jaeger uses, and prints the spans.
package main

import (
	"encoding/json"
	"io"
	"log"
	"os"
	"strings"

	"github.com/jaegertracing/jaeger-idl/model/v1"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/translator/jaeger"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

type object = map[string]any

func main() {
	sent, err := io.ReadAll(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(sent)
	if err != nil {
		log.Fatal(err)
	}
	spans := []object{}
	for _, batch := range jaeger.ProtoFromTraces(traces) {
		process := object{"serviceName": batch.Process.ServiceName, "tags": tags(batch.Process.Tags)}
		for _, span := range batch.Spans {
			spans = append(spans, object{
				"traceID":       span.TraceID.String(),
				"spanID":        span.SpanID.String(),
				"operationName": span.OperationName,
				"references":    references(span.References),
				"startTime":     span.StartTime.UnixMicro(),
				"duration":      span.Duration.Microseconds(),
				"tags":          tags(span.Tags),
				"logs":          logs(span.Logs),
				"process":       process,
			})
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(spans); err != nil {
		log.Fatal(err)
	}
}

func tags(pairs []model.KeyValue) []object {
	found := []object{}
	for _, pair := range pairs {
		kind := strings.ToLower(pair.VType.String())
		found = append(found, object{"key": pair.Key, "type": kind, "value": pair.Value()})
	}
	return found
}

func logs(events []model.Log) []object {
	found := []object{}
	for _, event := range events {
		found = append(found, object{"timestamp": event.Timestamp.UnixMicro(), "fields": tags(event.Fields)})
	}
	return found
}

func references(refs []model.SpanRef) []object {
	found := []object{}
	for _, ref := range refs {
		found = append(found, object{
			"refType": ref.RefType.String(), "traceID": ref.TraceID.String(), "spanID": ref.SpanID.String(),
		})
	}
	return found
}
