// An agent that logs with OpenTelemetry's SDK for JavaScript to OTEL_EXPORTER_OTLP_ENDPOINT.
// Session and times are given to it, so that the test knows every field of what it sends.
"use strict";

const { TraceFlags, ROOT_CONTEXT, trace } = require("@opentelemetry/api");
const { SeverityNumber } = require("@opentelemetry/api-logs");
const { OTLPLogExporter } = require("@opentelemetry/exporter-logs-otlp-http");
const { resourceFromAttributes } = require("@opentelemetry/resources");
const { BatchLogRecordProcessor, LoggerProvider } = require("@opentelemetry/sdk-logs");

const SECONDS = Number(process.env.JOURNEY_SECONDS);
const SESSION = process.env.JOURNEY_SESSION;

const provider = new LoggerProvider({
  resource: resourceFromAttributes({ "session.id": SESSION, sizes: [1, 2], ratio: 0.5 }),
  processors: [new BatchLogRecordProcessor({ exporter: new OTLPLogExporter() })],
});
const logger = provider.getLogger("js.scope", "1.0.0");

const values = {
  text: "naïve ✓ 漢字 🦜\n\"quoted\"",
  "text.empty": "",
  yes: true,
  no: false,
  int: 42,
  "int.negative": -7,
  "int.beyond": 2 ** 53,
  "int.huge": 1e20,
  double: 0.1 + 0.2,
  nan: NaN,
  infinite: Infinity,
  bytes: new Uint8Array([0, 1, 255]),
  list: ["a", 1, null, true, [], {}],
  map: { a: { b: { c: [1, "two", 3.5] } } },
  "map.empty": {},
  null: null,
  undefined: undefined,
};
const span = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };

let nanoseconds = 0;
function say(record) {
  nanoseconds += 1;
  const time = [SECONDS, nanoseconds];
  logger.emit({ timestamp: time, observedTimestamp: [SECONDS, 500 + nanoseconds], ...record });
}

for (const body of Object.values(values)) say({ body });
say({ attributes: values, severityNumber: SeverityNumber.INFO, severityText: "INFO" });
say({ eventName: "agent.step", body: { step: 1 } });
say({
  body: "in a span",
  severityNumber: SeverityNumber.ERROR3,
  context: trace.setSpanContext(ROOT_CONTEXT, { ...span, traceFlags: TraceFlags.SAMPLED }),
});
say({ body: "at noon", timestamp: new Date("2001-09-09T01:46:40.123Z") });

provider.shutdown().catch((fault) => {
  console.error(fault);
  process.exitCode = 1;
});
