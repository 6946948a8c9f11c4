"""What of OCPP 2.0.1 has a passing test: ids of the specification, what tests claim, the page that compares them."""
