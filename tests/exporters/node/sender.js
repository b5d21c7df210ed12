// Sends two spans with the official exporters over each OTLP protocol, with and without gzip.
"use strict";

const { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } = require("@opentelemetry/api");
const { OTLPTraceExporter: Grpc } = require("@opentelemetry/exporter-trace-otlp-grpc");
const { OTLPTraceExporter: Json } = require("@opentelemetry/exporter-trace-otlp-http");
const { OTLPTraceExporter: Protobuf } = require("@opentelemetry/exporter-trace-otlp-proto");
const { resourceFromAttributes } = require("@opentelemetry/resources");
const { BasicTracerProvider, SimpleSpanProcessor } = require("@opentelemetry/sdk-trace-base");

const [grpc, http] = process.argv.slice(2);
const EXPORTERS = {
  grpc: [Grpc, `http://${grpc}`],
  http: [Protobuf, `http://${http}/v1/traces`],
  json: [Json, `http://${http}/v1/traces`],
};
const START = 1_795_000_000;

const after = (milliseconds) => [START, 123_456_789 + milliseconds * 1_000_000];

function send(tracer) {
  const linked = { traceId: "0102030405060708090a0b0c0d0e0f10", spanId: "0102030405060708", traceFlags: 0 };
  const parent = tracer.startSpan(
    "parent",
    {
      kind: SpanKind.SERVER,
      startTime: after(0),
      links: [{ context: linked, attributes: { why: "test" } }],
      attributes: {
        text: 'tëxt "quoted" ☃',
        integer: 9007199254740991,
        negative: -7,
        double: 1.5,
        boolean: true,
        texts: ["a", ""],
        integers: [1, -2],
        doubles: [0.5, 2.25],
        booleans: [true, false],
      },
    },
    ROOT_CONTEXT,
  );
  parent.addEvent("happened", { n: 1 }, after(1));
  const child = tracer.startSpan(
    "child",
    { kind: SpanKind.CLIENT, startTime: after(2) },
    trace.setSpan(ROOT_CONTEXT, parent),
  );
  child.setStatus({ code: SpanStatusCode.ERROR, message: "broken" });
  child.end(after(3));
  parent.end(after(5));
}

async function main() {
  for (const [protocol, [Exporter, url]] of Object.entries(EXPORTERS)) {
    for (const compression of ["gzip", "none"]) {
      const way = `${protocol} ${compression === "none" ? "plain" : compression}`;
      const provider = new BasicTracerProvider({
        resource: resourceFromAttributes({ "service.name": "node", way }),
        spanProcessors: [new SimpleSpanProcessor(new Exporter({ url, compression }))],
      });
      send(provider.getTracer("exporters", "1.2.3"));
      await provider.forceFlush();
      await provider.shutdown();
    }
  }
}

main();
