"""What remedyd brings to Kibana: connectors, tools, an agent, workflows, rules, a dashboard."""
