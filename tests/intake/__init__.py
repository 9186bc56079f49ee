"""The intake room: from bytes to records, without a server or a database."""
