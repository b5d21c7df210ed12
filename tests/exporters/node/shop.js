// A shop: POST /orders publishes a record. OpenTelemetry's own instrumentations trace it.
"use strict";

const { trace } = require("@opentelemetry/api");
const { OTLPTraceExporter } = require("@opentelemetry/exporter-trace-otlp-proto");
const { registerInstrumentations } = require("@opentelemetry/instrumentation");
const { ExpressInstrumentation } = require("@opentelemetry/instrumentation-express");
const { HttpInstrumentation } = require("@opentelemetry/instrumentation-http");
const { KafkaJsInstrumentation } = require("@opentelemetry/instrumentation-kafkajs");
const { detectResources, envDetector } = require("@opentelemetry/resources");
const { BatchSpanProcessor, NodeTracerProvider } = require("@opentelemetry/sdk-trace-node");

new NodeTracerProvider({
  resource: detectResources({ detectors: [envDetector] }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
}).register();
registerInstrumentations({
  instrumentations: [new HttpInstrumentation(), new ExpressInstrumentation(), new KafkaJsInstrumentation()],
});

const express = require("express");
const { Kafka, logLevel } = require("kafkajs");

const [broker, topic] = process.argv.slice(2);
const producer = new Kafka({ brokers: [broker], logLevel: logLevel.ERROR }).producer();
const app = express();

app.post("/orders", express.json(), async (request, response) => {
  const { number } = request.body;
  trace.getActiveSpan().setAttribute("order.id", number);
  await producer.send({ topic, messages: [{ key: number, value: "created" }] });
  response.status(202).end();
});

producer.connect().then(() => {
  const server = app.listen(0, "127.0.0.1", () => console.log(`ready ${server.address().port}`));
});
