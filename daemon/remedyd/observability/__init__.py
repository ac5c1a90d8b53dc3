"""What the daemon says about itself: ECS logs and Prometheus metrics."""
