"""The exchange's API: REST and WebSocket over one port, JSON both ways."""
