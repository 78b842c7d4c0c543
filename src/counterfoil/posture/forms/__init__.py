"""Forms of a posture report: each module renders one."""
