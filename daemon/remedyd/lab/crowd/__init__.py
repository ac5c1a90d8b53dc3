"""A crowded cluster: thousands of nodes, each object made only when somebody looks at it."""
