// An agent that traces with OpenTelemetry's SDK for JavaScript, in JSON, and logs, in protobuf.
"use strict";

const { context, trace, SpanKind } = require("@opentelemetry/api");
const { OTLPLogExporter } = require("@opentelemetry/exporter-logs-otlp-proto");
const { OTLPTraceExporter } = require("@opentelemetry/exporter-trace-otlp-http");
const { resourceFromAttributes } = require("@opentelemetry/resources");
const { BatchLogRecordProcessor, LoggerProvider } = require("@opentelemetry/sdk-logs");
const { BasicTracerProvider, BatchSpanProcessor } = require("@opentelemetry/sdk-trace-base");

const resource = resourceFromAttributes({ "session.id": process.env.SESSION });
const traces = new BasicTracerProvider({
  resource,
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
const logs = new LoggerProvider({
  resource,
  processors: [new BatchLogRecordProcessor({ exporter: new OTLPLogExporter() })],
});
const tracer = traces.getTracer("agent");
const logger = logs.getLogger("agent");

async function call(parent, messages) {
  const attributes = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
  };
  const span = tracer.startSpan("chat gpt-4o", { kind: SpanKind.CLIENT, attributes }, parent);
  const response = await fetch(`${process.env.MODEL}/chat/completions`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ model: "gpt-4o", messages }),
  });
  const answer = await response.json();
  span.setAttribute("gen_ai.response.id", answer.id);
  span.setAttribute("gen_ai.usage.input_tokens", answer.usage.prompt_tokens);
  span.setAttribute("gen_ai.usage.output_tokens", answer.usage.completion_tokens);
  span.addEvent("answered");
  const within = trace.setSpan(parent, span);
  logger.emit({ eventName: "agent.step", body: { id: answer.id }, context: within });
  span.end();
  return answer.choices[0].message;
}

async function main() {
  const agent = tracer.startSpan("invoke_agent", {
    attributes: { "gen_ai.operation.name": "invoke_agent" },
  });
  const within = trace.setSpan(context.active(), agent);
  const messages = [{ role: "user", content: "What is the weather in Paris?" }];
  messages.push(await call(within, messages));
  messages.push({ role: "tool", tool_call_id: "call_1", content: "17" });
  await call(within, messages);
  agent.end();
  await traces.shutdown();
  await logs.shutdown();
}

main();
