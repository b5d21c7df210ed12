import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.time.Instant;
import java.util.List;

/** Sends two spans with the official exporters over each OTLP protocol, with and without gzip. */
class Sender {
    private static final Instant START = Instant.ofEpochSecond(1_795_000_000L, 123_456_789L);

    public static void main(String[] arguments) {
        for (String protocol : List.of("grpc", "http")) {
            for (String compression : List.of("gzip", "none")) {
                String way = protocol + " " + (compression.equals("none") ? "plain" : compression);
                SpanExporter exporter =
                        protocol.equals("grpc")
                                ? OtlpGrpcSpanExporter.builder()
                                        .setEndpoint("http://" + arguments[0])
                                        .setCompression(compression)
                                        .build()
                                : OtlpHttpSpanExporter.builder()
                                        .setEndpoint("http://" + arguments[1] + "/v1/traces")
                                        .setCompression(compression)
                                        .build();
                Attributes resource =
                        Attributes.builder().put("service.name", "java").put("way", way).build();
                try (SdkTracerProvider provider =
                        SdkTracerProvider.builder()
                                .setResource(Resource.create(resource))
                                .addSpanProcessor(SimpleSpanProcessor.create(exporter))
                                .build()) {
                    send(provider.tracerBuilder("exporters").setInstrumentationVersion("1.2.3").build());
                }
            }
        }
        System.exit(0); // otherwise the HTTP client's threads keep the process alive
    }

    private static void send(Tracer tracer) {
        SpanContext linked =
                SpanContext.create(
                        "0102030405060708090a0b0c0d0e0f10",
                        "0102030405060708",
                        TraceFlags.getDefault(),
                        TraceState.getDefault());
        Span parent =
                tracer.spanBuilder("parent")
                        .setNoParent()
                        .setSpanKind(SpanKind.SERVER)
                        .setStartTimestamp(START)
                        .addLink(linked, Attributes.builder().put("why", "test").build())
                        .setAttribute("text", "tëxt \"quoted\" ☃")
                        .setAttribute("integer", 9007199254740991L)
                        .setAttribute("negative", -7)
                        .setAttribute("double", 1.5)
                        .setAttribute("boolean", true)
                        .setAttribute(AttributeKey.stringArrayKey("texts"), List.of("a", ""))
                        .setAttribute(AttributeKey.longArrayKey("integers"), List.of(1L, -2L))
                        .setAttribute(AttributeKey.doubleArrayKey("doubles"), List.of(0.5, 2.25))
                        .setAttribute(AttributeKey.booleanArrayKey("booleans"), List.of(true, false))
                        .startSpan();
        parent.addEvent("happened", Attributes.builder().put("n", 1).build(), START.plusMillis(1));
        Span child =
                tracer.spanBuilder("child")
                        .setParent(Context.root().with(parent))
                        .setSpanKind(SpanKind.CLIENT)
                        .setStartTimestamp(START.plusMillis(2))
                        .startSpan();
        child.setStatus(StatusCode.ERROR, "broken");
        child.end(START.plusMillis(3));
        parent.end(START.plusMillis(5));
    }
}
