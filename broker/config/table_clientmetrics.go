package config

// clientMetricsConfigs: the configs that a client-metrics subscription can have.
var clientMetricsConfigs = []Definition{
	{Name: "interval.ms", Type: Int, Default: "300000", NoEffect: noTelemetry,
		Doc: "How often the matched clients push their metrics."},
	{Name: "match", Type: List, Default: "", NoEffect: noTelemetry,
		Doc: "Which clients the subscription is for, as pairs of a selector and a pattern."},
	{Name: "metrics", Type: List, Default: "", NoEffect: noTelemetry,
		Doc: "The metrics that the clients push, by the beginnings of their names."},
}
