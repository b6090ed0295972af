"""JSON-RPC 2.0 over HTTP and WebSocket for ordinary Ethereum wallets and tools."""
