"""The benchmark's questions as an expert would write them for DuckDB and for Polars."""

SEED_SQL = """
WITH docs AS (
  SELECT "@timestamp" AS ts, "resource.attributes.k8s.deployment.name" AS deployment,
    "resource.attributes.k8s.pod.name" AS pod,
    "resource.attributes.k8s.namespace.name" AS namespace,
    NULL::BIGINT AS working_set, "metrics.k8s.container.cpu_request" AS cpu_request,
    "metrics.k8s.container.memory_limit" AS memory_limit,
    "metrics.k8s.container.restarts" AS restarts,
    "metrics.k8s.deployment.desired" AS desired, "metrics.k8s.deployment.available" AS available
  FROM cluster
  UNION ALL
  SELECT "@timestamp", "resource.attributes.k8s.deployment.name",
    "resource.attributes.k8s.pod.name", "resource.attributes.k8s.namespace.name",
    "metrics.container.memory.working_set", NULL, NULL, NULL, NULL, NULL FROM kubelet
), grouped AS (
  SELECT deployment, count(DISTINCT pod) AS actual_pods, max(ts) AS last_seen,
    arg_max_null(desired, ts) AS desired, arg_max_null(available, ts) AS available,
    avg(working_set) AS mem_usage, max(cpu_request) AS cpu_limit,
    max(memory_limit) AS mem_limit, max(restarts) AS restarts
  FROM docs
  WHERE namespace = 'otel-demo' AND deployment IS NOT NULL AND ts > $start
  GROUP BY deployment
), scored AS (
  SELECT *, round(mem_usage / mem_limit * 100, 2) AS mem_pct, desired - available AS gap
  FROM grouped
)
SELECT deployment, CASE WHEN mem_pct > 90 OR restarts > 10 THEN 3
    WHEN gap > 0 OR cpu_limit IS NULL OR mem_limit IS NULL THEN 2 ELSE 1 END AS severity,
  actual_pods, last_seen, desired, mem_pct, restarts, gap
FROM scored ORDER BY severity DESC, restarts DESC LIMIT 1000
"""

MEMORY_SQL = """
WITH docs AS (
  SELECT "@timestamp" AS ts, "resource.attributes.k8s.cluster.name" AS cluster,
    "resource.attributes.k8s.namespace.name" AS namespace,
    "resource.attributes.k8s.deployment.name" AS deployment,
    "resource.attributes.k8s.statefulset.name" AS statefulset,
    "resource.attributes.k8s.daemonset.name" AS daemonset,
    "resource.attributes.k8s.container.name" AS container,
    "resource.attributes.k8s.pod.name" AS pod, "resource.attributes.k8s.pod.uid" AS pod_uid,
    "resource.attributes.k8s.container.status.last_terminated_reason" AS reason,
    "metrics.k8s.container.memory_limit" AS memory_limit,
    "metrics.k8s.container.restarts" AS restarts, NULL::BIGINT AS working_set,
    "@timestamp" AS scrape, NULL::TIMESTAMP_NS AS started
  FROM cluster
  UNION ALL
  SELECT "@timestamp", "resource.attributes.k8s.cluster.name",
    "resource.attributes.k8s.namespace.name", "resource.attributes.k8s.deployment.name",
    "resource.attributes.k8s.statefulset.name", "resource.attributes.k8s.daemonset.name",
    "resource.attributes.k8s.container.name", "resource.attributes.k8s.pod.name",
    "resource.attributes.k8s.pod.uid",
    "resource.attributes.k8s.container.status.last_terminated_reason",
    NULL, NULL, "metrics.container.memory.working_set", NULL, "start_timestamp" FROM kubelet
), named AS (
  SELECT *, working_set // 65536 AS used,
    CASE WHEN working_set IS NOT NULL THEN started END AS life,
    CASE WHEN working_set IS NOT NULL
      THEN (epoch_ms(ts) - epoch_ms($start::TIMESTAMP)) // 1000 END AS second,
    coalesce(deployment, statefulset, daemonset) AS name,
    CASE WHEN deployment IS NOT NULL THEN 'Deployment'
      WHEN statefulset IS NOT NULL THEN 'StatefulSet' ELSE 'DaemonSet' END AS kind
  FROM docs WHERE ts >= $start AND ts < $end AND container IS NOT NULL
), lives AS (
  SELECT cluster, namespace, kind, name, container, pod, pod_uid, life,
    count(DISTINCT scrape) AS scrapes, min(scrape) AS first_scrape, max(scrape) AS last_scrape,
    max(ts) AS seen, count(working_set) AS usages, max(working_set) AS working_set,
    max(memory_limit) AS memory_limit, min(restarts) AS low,
    max(epoch_ms(ts) * 1000000 + restarts) AS newest,
    max(restarts) FILTER (WHERE reason = 'OOMKilled') AS oom,
    sum(second) AS times, sum(used) AS uses, sum(second * second) AS time_squares,
    sum(used * used) AS use_squares, sum(second * used) AS products
  FROM named WHERE name IS NOT NULL GROUP BY ALL
), pods AS (
  SELECT cluster, namespace, kind, name, container, pod, pod_uid,
    max(scrapes) AS scrapes, min(first_scrape) AS first_scrape, max(last_scrape) AS last_scrape,
    max(seen) AS seen, sum(usages) AS usages, max(working_set) AS working_set,
    max(memory_limit) AS memory_limit, min(low) AS low, max(newest) AS newest, max(oom) AS oom,
    sum(usages) FILTER (WHERE usages >= 3) AS readings,
    sum(time_squares - times::DOUBLE * times / usages) FILTER (WHERE usages >= 3) AS time_spread,
    sum(use_squares - uses::DOUBLE * uses / usages) FILTER (WHERE usages >= 3) AS use_spread,
    sum(products - times::DOUBLE * uses / usages) FILTER (WHERE usages >= 3) AS common
  FROM lives GROUP BY ALL
), alive AS (
  SELECT *, coalesce(newest % 1000000 - low, 0) AS grown, coalesce(oom - low, 0) AS reach,
    round(100.0 * working_set / memory_limit, 1) AS pct
  FROM pods
  WHERE date_sub('second', last_scrape, $end::TIMESTAMP) <= CASE WHEN scrapes > 1
    THEN 2 * date_sub('second', first_scrape, last_scrape) // greatest(scrapes - 1, 1) + 2
    ELSE 90 END
)
SELECT cluster, namespace, kind, name, container,
  CASE WHEN sum(least(reach, grown)) > 0 THEN 3 WHEN max(pct) >= 90 THEN 2 ELSE 1 END
    AS severity,
  sum(least(reach, grown)) AS oom_kills,
  count(*) FILTER (WHERE least(reach, grown) > 0) AS oom_pods,
  sum(grown) AS restarts, max(pct) AS memory_pct_max, median(pct) AS memory_pct_median,
  arg_max(pod, pct) AS hottest_pod, count(*) FILTER (WHERE pct >= 90) AS hot_pods,
  count(*) AS pods, count(*) FILTER (WHERE memory_limit IS NULL) AS unlimited_pods,
  max(working_set) AS working_set_bytes, max(memory_limit) AS memory_limit_bytes,
  round(max(CASE WHEN readings >= 6 AND common > 0 AND time_spread > 1200 * readings
    AND common * common >= 0.9 * time_spread * use_spread
    THEN 3.75 * common / time_spread END), 3) AS growth,
  sum(usages) AS usage_samples, max(scrapes) AS samples, max(seen) AS last_seen
FROM alive GROUP BY ALL
ORDER BY severity DESC, oom_kills DESC, memory_pct_max DESC NULLS LAST, namespace, name, container
LIMIT 10000
"""
