"""The bytes of one event batch become decisions and conversions, with every violation."""
