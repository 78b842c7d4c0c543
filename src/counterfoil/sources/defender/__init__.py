"""What Microsoft Defender and Sentinel suspect: alerts and incidents, in each wrapper."""
