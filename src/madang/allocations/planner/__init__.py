"""The planner: an event-driven simulation that tries a policy before it is enacted.

traces -> workload -> kernel (one kind of GPU at a time) -> reports
"""
