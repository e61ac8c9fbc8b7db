/** Of prom-client's `Registry` what a gate needs of it; a registry of another copy of prom-client will do. */
export interface MetricRegistry {
  readonly contentType: string;
  metrics(): Promise<string>;
  registerMetric(metric: never): void;
  getSingleMetric(name: string): unknown;
  removeSingleMetric(name: string): void;
}

/** Where metrics are put, and who reads them. */
export interface PrometheusOptions {
  /** The application's own registry of prom-client, so that its metrics and the gate's are read together. Default none; then one of the gate's own. */
  readonly registry?: MetricRegistry;
  /** Whether anybody may read `GET /metrics`; else the scope `audit:read` or `admin` is needed. Default false. */
  readonly public?: boolean;
  /** How many partitions have a label of their own; all others are `other`. Default 50. */
  readonly maxPartitions?: number;
}

/** What {@link PrometheusOptions} are where they are left out. */
export const prometheusDefaults = {
  public: false,
  maxPartitions: 50,
} as const satisfies PrometheusOptions;

/** The same with everything said. */
export interface ResolvedPrometheus {
  readonly registry: MetricRegistry | undefined;
  readonly public: boolean;
  readonly maxPartitions: number;
}
