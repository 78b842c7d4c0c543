"""The lab: invented estates under attack, for demonstrations, training, tests and benchmarks."""
