"""The MCP face: what an agent may ask of the daemon, by the Model Context Protocol.

Tools, resources and prompts are plain records over the service; only `protocol` imports the SDK,
when the first request comes, so that a daemon nobody asks by MCP does not carry it.
"""
