"""The benchmark's questions in lazy Polars."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import polars as pl

_RESOURCE = "resource.attributes.k8s."


def _documents(files: Mapping[str, Path]) -> pl.LazyFrame:
    frames = [pl.scan_parquet(path) for path in files.values()]
    frames[0] = frames[0].with_columns(scrape=pl.col("@timestamp"))
    return pl.concat(frames, how="diagonal")


def seed(files: Mapping[str, Path], start: datetime) -> list[tuple[object, ...]]:
    """Answer the seed's query."""
    deployment, desired = f"{_RESOURCE}deployment.name", "metrics.k8s.deployment.desired"
    newest = pl.col("@timestamp").arg_max()
    grouped = (
        _documents(files)
        .filter(
            (pl.col(f"{_RESOURCE}namespace.name") == "otel-demo")
            & pl.col(deployment).is_not_null()
            & (pl.col("@timestamp") > start)
        )
        .group_by(deployment)
        .agg(
            actual_pods=pl.col(f"{_RESOURCE}pod.name").drop_nulls().n_unique(),
            last_seen=pl.col("@timestamp").max(),
            desired=pl.col(desired).get(newest),
            available=pl.col("metrics.k8s.deployment.available").get(newest),
            mem_usage=pl.col("metrics.container.memory.working_set").mean(),
            cpu_limit=pl.col("metrics.k8s.container.cpu_request").max(),
            mem_limit=pl.col("metrics.k8s.container.memory_limit").max(),
            restarts=pl.col("metrics.k8s.container.restarts").max(),
        )
        .with_columns(
            mem_pct=(pl.col("mem_usage") / pl.col("mem_limit") * 100).round(2),
            gap=pl.col("desired") - pl.col("available"),
        )
    )
    severity = (
        pl.when((pl.col("mem_pct") > 90) | (pl.col("restarts") > 10))
        .then(3)
        .when((pl.col("gap") > 0) | pl.col("cpu_limit").is_null() | pl.col("mem_limit").is_null())
        .then(2)
        .otherwise(1)
    )
    scored = grouped.with_columns(severity=severity)
    return scored.sort(["severity", "restarts"], descending=True).head(1000).collect().rows()


def memory(files: Mapping[str, Path], start: datetime, end: datetime) -> list[tuple[object, ...]]:
    """Answer container-memory."""
    names = [f"{_RESOURCE}{kind}.name" for kind in ("deployment", "statefulset", "daemonset")]
    keys = [f"{_RESOURCE}{name}" for name in ("cluster.name", "namespace.name", "container.name")]
    restarts = pl.col("metrics.k8s.container.restarts")
    working_set = pl.col("metrics.container.memory.working_set")
    used = working_set // 65536
    since = (pl.col("@timestamp").dt.epoch("ms") - int(start.timestamp() * 1000)) // 1000
    second = pl.when(working_set.is_not_null()).then(since)
    life = pl.when(working_set.is_not_null()).then(pl.col("start_timestamp"))
    reason = pl.col(f"{_RESOURCE}container.status.last_terminated_reason")
    pod = [*keys, "name", f"{_RESOURCE}pod.name", f"{_RESOURCE}pod.uid"]
    lives = (
        _documents(files)
        .filter(
            (pl.col("@timestamp") >= start)
            & (pl.col("@timestamp") < end)
            & pl.col(f"{_RESOURCE}container.name").is_not_null()
        )
        .with_columns(name=pl.coalesce(names), used=used, second=second, life=life)
        .filter(pl.col("name").is_not_null())
        .group_by([*pod, "life"])
        .agg(
            scrapes=pl.col("scrape").drop_nulls().n_unique(),
            first_scrape=pl.col("scrape").min(),
            last_scrape=pl.col("scrape").max(),
            seen=pl.col("@timestamp").max(),
            usages=pl.col("metrics.container.memory.working_set").count(),
            working_set=pl.col("metrics.container.memory.working_set").max(),
            memory_limit=pl.col("metrics.k8s.container.memory_limit").max(),
            low=restarts.min(),
            newest=(pl.col("@timestamp").dt.epoch("ms") * 1_000_000 + restarts).max(),
            oom=restarts.filter(reason == "OOMKilled").max(),
            times=pl.col("second").sum(),
            uses=pl.col("used").sum(),
            time_squares=(pl.col("second") * pl.col("second")).sum(),
            use_squares=(pl.col("used") * pl.col("used")).sum(),
            products=(pl.col("second") * pl.col("used")).sum(),
        )
    )
    count, times = pl.col("usages").cast(pl.Float64), pl.col("times").cast(pl.Float64)
    enough = pl.col("usages") >= 3
    least = ("first_scrape", "low")
    most = ("scrapes", "last_scrape", "seen", "working_set", "memory_limit", "newest", "oom")
    pods = lives.group_by(pod).agg(
        *[pl.col(name).min() for name in least],
        *[pl.col(name).max() for name in most],
        usages=pl.col("usages").sum(),
        readings=pl.col("usages").filter(enough).sum(),
        time_spread=(pl.col("time_squares") - times**2 / count).filter(enough).sum(),
        use_spread=(pl.col("use_squares") - pl.col("uses") ** 2 / count).filter(enough).sum(),
        common=(pl.col("products") - times * pl.col("uses") / count).filter(enough).sum(),
    )
    reported = (pl.col("last_scrape") - pl.col("first_scrape")).dt.total_seconds()
    silent = (pl.lit(end) - pl.col("last_scrape")).dt.total_seconds()
    tolerated = (
        pl.when(pl.col("scrapes") > 1)
        .then(2 * reported // pl.max_horizontal(pl.col("scrapes") - 1, pl.lit(1)) + 2)
        .otherwise(90)
    )
    alive = pods.filter(silent <= tolerated).with_columns(
        grown=(pl.col("newest") % 1_000_000 - pl.col("low")).fill_null(0),
        reach=(pl.col("oom") - pl.col("low")).fill_null(0),
        pct=(100.0 * pl.col("working_set") / pl.col("memory_limit")).round(1),
    )
    common, spread, readings = pl.col("common"), pl.col("time_spread"), pl.col("readings")
    fits = (readings >= 6) & (common > 0) & (spread > 1200 * readings)
    fits &= common**2 >= 0.9 * spread * pl.col("use_spread")
    kills = pl.min_horizontal("reach", "grown")
    table = alive.group_by([*keys, "name"]).agg(
        oom_kills=kills.sum(),
        restarts=pl.col("grown").sum(),
        memory_pct_max=pl.col("pct").max(),
        memory_pct_median=pl.col("pct").median(),
        hottest_pod=pl.col(f"{_RESOURCE}pod.name").sort_by("pct").last(),
        growth=pl.when(fits).then(3.75 * common / spread).max().round(3),
        pods=pl.len(),
        samples=pl.col("scrapes").max(),
        last_seen=pl.col("seen").max(),
    )
    return table.sort(["oom_kills", "memory_pct_max"], descending=True).head(10000).collect().rows()
