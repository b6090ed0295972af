"""A small client of the exchange: whole numbers and decimals, signatures, streams that notice gaps.

It needs nothing of the aggregator: it imports the protocol and speaks HTTP and WebSocket.
"""
