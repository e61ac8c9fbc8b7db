/** What is read of an OpenTelemetry span; those of the SDKs 1, 2 and 3 have it. */
export interface DatabaseSpan {
  readonly name: string;
  /** 2 for what calls another service. */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** `code` is 2 where it failed. */
  readonly status: { readonly code: number };
  /** Seconds and nanoseconds; once it has ended. */
  readonly duration: readonly [number, number];
  readonly parentSpanContext?: { readonly spanId: string } | undefined;
  /** SDK 1's word for the same. */
  readonly parentSpanId?: string | undefined;
  spanContext(): { readonly traceId: string; readonly spanId: string };
}

/** What a span says of a call of a database, by the old semantic conventions or the stable ones. */
export interface SpanCall {
  /** `postgresql`, `mysql`, lower case. */
  readonly system: string;
  /** Name of the database. */
  readonly namespace: string | undefined;
  readonly address: string | undefined;
  readonly port: number | undefined;
  /** Everything the span says. */
  readonly attributes: Readonly<Record<string, unknown>>;
}

const client = 2;

/** The database call that a span is about; undefined where it is about none. */
export function callOf({ kind, attributes }: DatabaseSpan): SpanCall | undefined {
  const system = text(attributes['db.system.name'] ?? attributes['db.system']);
  if (kind !== client || system === undefined) return undefined;
  const port = Number(attributes['server.port'] ?? attributes['net.peer.port']);
  return {
    system: system.toLowerCase(),
    namespace: text(attributes['db.namespace'] ?? attributes['db.name']),
    address: text(attributes['server.address'] ?? attributes['net.peer.name']),
    port: Number.isInteger(port) ? port : undefined,
    attributes,
  };
}

/** The statement of a database call, or as much as is known: its first word. Empty where it is not known. */
export function statementOf({ name, attributes }: DatabaseSpan): string {
  return (
    text(attributes['db.query.text'] ?? attributes['db.statement']) ??
    text(attributes['db.operation.name'] ?? attributes['db.operation']) ??
    /^(?:[\w.-]+:)?([A-Za-z]+)(?:[\s;]|$)/.exec(name)?.[1] ??
    ''
  );
}

/** Of the trace and the span that a span belongs to; no parent for the first of a trace. */
export function placeOf(span: DatabaseSpan): {
  readonly trace: string;
  readonly span: string;
  readonly parent: string | undefined;
} {
  const { traceId, spanId } = span.spanContext();
  return { trace: traceId, span: spanId, parent: span.parentSpanContext?.spanId ?? span.parentSpanId };
}

/** How long a span took, ms; undefined where what it says can't be. */
export function durationOf({ duration }: DatabaseSpan): number | undefined {
  const [seconds, nanoseconds] = Array.isArray(duration) ? (duration as readonly unknown[]) : [];
  const ms = Number(seconds) * 1_000 + Number(nanoseconds) / 1e6;
  return ms >= 0 && ms < 86_400_000 ? ms : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
