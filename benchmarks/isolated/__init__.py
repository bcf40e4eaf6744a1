"""What benchmarks of the real `orch ask` share: repositories made by code, and runs that know of no other."""
